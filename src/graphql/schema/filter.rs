//! The filter arguments. All given conditions must hold. A condition that is null is left out; an operator that is null is
//! refused, because a variable that a client forgot to fill in would otherwise ask for the whole team.

use async_graphql::{ID, InputObject, MaybeUndefined, Result};

use super::enums::{LeadsVisibility, LiveAvailability, TeamMemberStatus, UserType};
use super::scalars::DateTime;
use crate::graphql::error::{Code, contact_forbidden, fault};
use crate::model::{Filter, FilterField, IdSet, IntCondition, Scopes, TextCondition, TimeCondition};

/// Conditions on a member; all that are given must hold. A condition on a missing value is false (`isNull: true` is the one that
/// is not), and `not` turns any result round: `notIn` leaves members without a value out, `not: { … in … }` does not. An empty
/// `and` or `notIn` holds for every value; an empty `or`, `in` or list of values for none. A condition that is null is left out;
/// an operator inside one that is null is refused with `BAD_USER_INPUT`.
#[derive(InputObject, Default)]
pub(in crate::graphql) struct TeamMemberFilter {
    /// All of these hold.
    and: Option<Vec<TeamMemberFilter>>,
    /// At least one of these holds.
    or: Option<Vec<TeamMemberFilter>>,
    /// This does not hold.
    not: Option<Box<TeamMemberFilter>>,
    /// The identifier.
    id: Option<TeamMemberIdFilter>,
    /// The name.
    name: Option<TeamMemberStringFilter>,
    /// The e-mail address. Needs the scope `team:contact:read`.
    #[graphql(tag = "personal-data")]
    email: Option<TeamMemberStringFilter>,
    /// The identifier of the role.
    role_id: Option<TeamMemberIdFilter>,
    /// The kind of user is one of these.
    #[graphql(name = "type")]
    user_type: Option<Vec<UserType>>,
    /// The status is one of these.
    status: Option<Vec<TeamMemberStatus>>,
    /// The live availability is one of these.
    live_availability: Option<Vec<LiveAvailability>>,
    /// The leads visibility is one of these.
    leads_visibility: Option<Vec<LeadsVisibility>>,
    /// The number of unread messages.
    unread_messages: Option<TeamMemberIntFilter>,
    /// The time of creation.
    created_at: Option<TeamMemberDateTimeFilter>,
    /// The time of the last change.
    updated_at: Option<TeamMemberDateTimeFilter>,
    /// Whether the member belongs to a white label.
    whitelabel: Option<bool>,
}

/// Conditions on an identifier.
#[derive(InputObject)]
pub(super) struct TeamMemberIdFilter {
    /// It is this one.
    eq: MaybeUndefined<ID>,
    /// It is one of these.
    #[graphql(name = "in")]
    any: MaybeUndefined<Vec<ID>>,
    /// There is one, which is none of these.
    not_in: MaybeUndefined<Vec<ID>>,
    /// Whether there is none. (A member's own identifier is always there.)
    is_null: MaybeUndefined<bool>,
}

/// Conditions on a text. None regards case, in any alphabet: `STRASSE` is `Straße`. `contains` and `startsWith` disregard accents
/// too, as `search` does; `eq` and `in` do not.
#[derive(InputObject)]
pub(super) struct TeamMemberStringFilter {
    /// It is this text, accents included.
    eq: MaybeUndefined<String>,
    /// It is one of these texts, accents included.
    #[graphql(name = "in")]
    any: MaybeUndefined<Vec<String>>,
    /// There is one, which is none of these texts, accents included.
    not_in: MaybeUndefined<Vec<String>>,
    /// Whether there is none.
    is_null: MaybeUndefined<bool>,
    /// It contains this text, whatever the accents.
    contains: MaybeUndefined<String>,
    /// It starts with this text, whatever the accents.
    starts_with: MaybeUndefined<String>,
}

/// Conditions on a number.
#[derive(InputObject)]
pub(super) struct TeamMemberIntFilter {
    /// It is this number.
    eq: MaybeUndefined<i32>,
    /// It is greater.
    gt: MaybeUndefined<i32>,
    /// It is greater or the same.
    gte: MaybeUndefined<i32>,
    /// It is less.
    lt: MaybeUndefined<i32>,
    /// It is less or the same.
    lte: MaybeUndefined<i32>,
    /// Whether there is none.
    is_null: MaybeUndefined<bool>,
}

/// Conditions on a time.
#[derive(InputObject)]
pub(super) struct TeamMemberDateTimeFilter {
    /// It is before this time.
    before: MaybeUndefined<DateTime>,
    /// It is this time or before it.
    on_or_before: MaybeUndefined<DateTime>,
    /// It is after this time.
    after: MaybeUndefined<DateTime>,
    /// It is this time or after it.
    on_or_after: MaybeUndefined<DateTime>,
    /// Whether there is none.
    is_null: MaybeUndefined<bool>,
}

impl TeamMemberFilter {
    /// The condition that the argument means, for a caller with these scopes.
    pub(in crate::graphql) fn prepare(self, scopes: Scopes) -> Result<Filter> {
        self.prepare_at("filter", scopes)
    }

    /// The condition that the object at this path of the arguments means.
    fn prepare_at(self, path: &str, scopes: Scopes) -> Result<Filter> {
        let at = |field: &'static str| OperatorPath { path, field };
        let mut all = Vec::new();
        if let Some(filters) = self.and {
            all.push(Filter::And(prepare_all(filters, &format!("{path}.and"), scopes)?));
        }
        if let Some(filters) = self.or {
            all.push(Filter::Or(prepare_all(filters, &format!("{path}.or"), scopes)?));
        }
        if let Some(filter) = self.not {
            all.push(Filter::Not(Box::new(filter.prepare_at(&format!("{path}.not"), scopes)?)));
        }
        if let Some(test) = self.id {
            all.extend(test.conditions(at("id"), Filter::Id, None)?);
        }
        if let Some(test) = self.name {
            all.extend(test.conditions(at("name"), Filter::Name, FilterField::Name)?);
        }
        if let Some(test) = self.email {
            // Even an empty test: what is forbidden is asking, not what comes of it.
            if !scopes.contact {
                return Err(contact_forbidden());
            }
            all.extend(test.conditions(at("email"), Filter::Email, FilterField::Email)?);
        }
        if let Some(test) = self.role_id {
            all.extend(test.conditions(at("roleId"), Filter::RoleId, Some(FilterField::RoleId))?);
        }
        all.extend(self.user_type.map(|any| Filter::Type(into(any))));
        all.extend(self.status.map(|any| Filter::Status(into(any))));
        all.extend(self.live_availability.map(|any| Filter::LiveAvailability(into(any))));
        all.extend(self.leads_visibility.map(|any| Filter::LeadsVisibility(into(any))));
        if let Some(test) = self.unread_messages {
            all.extend(test.conditions(at("unreadMessages"))?);
        }
        if let Some(test) = self.created_at {
            all.extend(test.conditions(at("createdAt"), Filter::CreatedAt, FilterField::CreatedAt)?);
        }
        if let Some(test) = self.updated_at {
            all.extend(test.conditions(at("updatedAt"), Filter::UpdatedAt, FilterField::UpdatedAt)?);
        }
        all.extend(self.whitelabel.map(Filter::Whitelabel));
        Ok(Filter::And(all))
    }
}

fn prepare_all(filters: Vec<TeamMemberFilter>, path: &str, scopes: Scopes) -> Result<Vec<Filter>> {
    let prepare = |(n, filter): (usize, TeamMemberFilter)| filter.prepare_at(&format!("{path}[{n}]"), scopes);
    filters.into_iter().enumerate().map(prepare).collect()
}

fn into<A: Into<B>, B>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(Into::into).collect()
}

/// Where an object of operators is in the arguments.
#[derive(Clone, Copy)]
struct OperatorPath<'p> {
    path: &'p str,
    field: &'static str,
}

impl OperatorPath<'_> {
    /// The operand of an operator, if it was given.
    fn operand<T>(self, operator: &str, value: MaybeUndefined<T>) -> Result<Option<T>> {
        let Self { path, field } = self;
        match value {
            MaybeUndefined::Undefined => Ok(None),
            MaybeUndefined::Value(value) => Ok(Some(value)),
            MaybeUndefined::Null => {
                Err(fault(Code::BadUserInput, format!("\"{path}.{field}.{operator}\" must not be null")))
            }
        }
    }
}

impl TeamMemberIdFilter {
    /// The conditions, each on a set made by `of`. `field` is the one that may be missing; `None` for one that never is.
    fn conditions(
        self,
        at: OperatorPath<'_>,
        of: fn(IdSet) -> Filter,
        field: Option<FilterField>,
    ) -> Result<impl Iterator<Item = Filter> + use<>> {
        let set = |ids: Vec<ID>| of(ids.into_iter().map(|id| id.0).collect());
        let none_of = |ids| match field {
            Some(field) => set(ids).none_of(field),
            None => Filter::Not(Box::new(set(ids))),
        };
        let is_null = |is_null| match field {
            Some(field) => Filter::is_null(field, is_null),
            // Nothing of a choice never holds, everything of nothing always does.
            None if is_null => Filter::Or(Vec::new()),
            None => Filter::And(Vec::new()),
        };
        let given = [
            at.operand("eq", self.eq)?.map(|id| set(vec![id])),
            at.operand("in", self.any)?.map(set),
            at.operand("notIn", self.not_in)?.map(none_of),
            at.operand("isNull", self.is_null)?.map(is_null),
        ];
        Ok(given.into_iter().flatten())
    }
}

impl TeamMemberStringFilter {
    fn conditions(
        self,
        at: OperatorPath<'_>,
        of: fn(TextCondition) -> Filter,
        field: FilterField,
    ) -> Result<impl Iterator<Item = Filter> + use<>> {
        let set = |texts: Vec<String>| of(TextCondition::one_of(texts.iter().map(String::as_str)));
        let given = [
            at.operand("eq", self.eq)?.map(|text| set(vec![text])),
            at.operand("in", self.any)?.map(set),
            at.operand("notIn", self.not_in)?.map(|texts| set(texts).none_of(field)),
            at.operand("isNull", self.is_null)?.map(|is_null| Filter::is_null(field, is_null)),
            at.operand("contains", self.contains)?.map(|text| of(TextCondition::contains(&text))),
            at.operand("startsWith", self.starts_with)?.map(|text| of(TextCondition::starts_with(&text))),
        ];
        Ok(given.into_iter().flatten())
    }
}

impl TeamMemberIntFilter {
    fn conditions(self, at: OperatorPath<'_>) -> Result<impl Iterator<Item = Filter> + use<>> {
        let given = [
            at.operand("eq", self.eq)?.map(IntCondition::Eq),
            at.operand("gt", self.gt)?.map(IntCondition::Gt),
            at.operand("gte", self.gte)?.map(IntCondition::Gte),
            at.operand("lt", self.lt)?.map(IntCondition::Lt),
            at.operand("lte", self.lte)?.map(IntCondition::Lte),
        ];
        let is_null = at.operand("isNull", self.is_null)?;
        let is_null = is_null.map(|is_null| Filter::is_null(FilterField::UnreadMessages, is_null));
        Ok(given.into_iter().flatten().map(Filter::UnreadMessages).chain(is_null))
    }
}

impl TeamMemberDateTimeFilter {
    fn conditions(
        self,
        at: OperatorPath<'_>,
        of: fn(TimeCondition) -> Filter,
        field: FilterField,
    ) -> Result<impl Iterator<Item = Filter> + use<>> {
        let given = [
            at.operand("before", self.before)?.map(|at| TimeCondition::Before(at.0)),
            at.operand("onOrBefore", self.on_or_before)?.map(|at| TimeCondition::OnOrBefore(at.0)),
            at.operand("after", self.after)?.map(|at| TimeCondition::After(at.0)),
            at.operand("onOrAfter", self.on_or_after)?.map(|at| TimeCondition::OnOrAfter(at.0)),
        ];
        let is_null = at.operand("isNull", self.is_null)?.map(|is_null| Filter::is_null(field, is_null));
        Ok(given.into_iter().flatten().map(of).chain(is_null))
    }
}
