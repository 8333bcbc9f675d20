//! The filter arguments. All given conditions must hold; an explicit null is the same as leaving a condition out.

use async_graphql::{ID, InputObject, Result};

use super::enums::{LeadsVisibility, LiveAvailability, TeamMemberStatus, UserType};
use super::scalars::DateTime;
use crate::graphql::error::contact_forbidden;
use crate::model::{Filter, IdSet, IntCondition, Scopes, TextCondition, TimeCondition};

/// Conditions on a member; all that are given must hold. A condition on a missing value is false, and `not` turns any
/// result round. An empty `and` holds; an empty `or`, `in` or list of values does not. Null is the same as leaving out.
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
    eq: Option<ID>,
    /// It is one of these.
    #[graphql(name = "in")]
    any: Option<Vec<ID>>,
}

/// Conditions on a text. None regards case, in any alphabet: `STRASSE` is `Straße`. `contains` and `startsWith` disregard accents
/// too, as `search` does; `eq` and `in` do not.
#[derive(InputObject)]
pub(super) struct TeamMemberStringFilter {
    /// It is this text, accents included.
    eq: Option<String>,
    /// It is one of these texts, accents included.
    #[graphql(name = "in")]
    any: Option<Vec<String>>,
    /// It contains this text, whatever the accents.
    contains: Option<String>,
    /// It starts with this text, whatever the accents.
    starts_with: Option<String>,
}

/// Conditions on a number.
#[derive(InputObject)]
pub(super) struct TeamMemberIntFilter {
    /// It is this number.
    eq: Option<i32>,
    /// It is greater.
    gt: Option<i32>,
    /// It is greater or the same.
    gte: Option<i32>,
    /// It is less.
    lt: Option<i32>,
    /// It is less or the same.
    lte: Option<i32>,
}

/// Conditions on a time.
#[derive(InputObject)]
pub(super) struct TeamMemberDateTimeFilter {
    /// It is before this time.
    before: Option<DateTime>,
    /// It is after this time.
    after: Option<DateTime>,
}

impl TeamMemberFilter {
    /// The condition that the argument means, for a caller with these scopes.
    pub(in crate::graphql) fn prepare(self, scopes: Scopes) -> Result<Filter> {
        let mut all = Vec::new();
        if let Some(filters) = self.and {
            all.push(Filter::And(prepare_all(filters, scopes)?));
        }
        if let Some(filters) = self.or {
            all.push(Filter::Or(prepare_all(filters, scopes)?));
        }
        if let Some(filter) = self.not {
            all.push(Filter::Not(Box::new(filter.prepare(scopes)?)));
        }
        if let Some(test) = self.id {
            all.extend(test.sets().map(Filter::Id));
        }
        if let Some(test) = self.name {
            all.extend(test.conditions().map(Filter::Name));
        }
        if let Some(test) = self.email {
            // Even an empty test: what is forbidden is asking, not what comes of it.
            if !scopes.contact {
                return Err(contact_forbidden());
            }
            all.extend(test.conditions().map(Filter::Email));
        }
        if let Some(test) = self.role_id {
            all.extend(test.sets().map(Filter::RoleId));
        }
        all.extend(self.user_type.map(|any| Filter::Type(into(any))));
        all.extend(self.status.map(|any| Filter::Status(into(any))));
        all.extend(self.live_availability.map(|any| Filter::LiveAvailability(into(any))));
        all.extend(self.leads_visibility.map(|any| Filter::LeadsVisibility(into(any))));
        if let Some(test) = self.unread_messages {
            all.extend(test.conditions().map(Filter::UnreadMessages));
        }
        if let Some(test) = self.created_at {
            all.extend(test.conditions().map(Filter::CreatedAt));
        }
        if let Some(test) = self.updated_at {
            all.extend(test.conditions().map(Filter::UpdatedAt));
        }
        all.extend(self.whitelabel.map(Filter::Whitelabel));
        Ok(Filter::And(all))
    }
}

fn prepare_all(filters: Vec<TeamMemberFilter>, scopes: Scopes) -> Result<Vec<Filter>> {
    filters.into_iter().map(|filter| filter.prepare(scopes)).collect()
}

fn into<A: Into<B>, B>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(Into::into).collect()
}

impl TeamMemberIdFilter {
    fn sets(self) -> impl Iterator<Item = IdSet> {
        let set = |ids: Vec<ID>| ids.into_iter().map(|id| id.0).collect();
        [self.eq.map(|id| vec![id]), self.any].into_iter().flatten().map(set)
    }
}

impl TeamMemberStringFilter {
    fn conditions(self) -> impl Iterator<Item = TextCondition> {
        [
            self.eq.map(|text| TextCondition::one_of([&*text])),
            self.any.map(|texts| TextCondition::one_of(texts.iter().map(String::as_str))),
            self.contains.map(|text| TextCondition::contains(&text)),
            self.starts_with.map(|text| TextCondition::starts_with(&text)),
        ]
        .into_iter()
        .flatten()
    }
}

impl TeamMemberIntFilter {
    fn conditions(self) -> impl Iterator<Item = IntCondition> {
        [
            self.eq.map(IntCondition::Eq),
            self.gt.map(IntCondition::Gt),
            self.gte.map(IntCondition::Gte),
            self.lt.map(IntCondition::Lt),
            self.lte.map(IntCondition::Lte),
        ]
        .into_iter()
        .flatten()
    }
}

impl TeamMemberDateTimeFilter {
    fn conditions(self) -> impl Iterator<Item = TimeCondition> {
        [self.before.map(|at| TimeCondition::Before(at.0)), self.after.map(|at| TimeCondition::After(at.0))]
            .into_iter()
            .flatten()
    }
}
