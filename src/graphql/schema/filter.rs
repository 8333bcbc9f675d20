//! The filter arguments as the schema declares them. What a filter's value means is read from the value itself
//! (`filter_reader`), so the fields of these types are declarations only.

use std::borrow::Cow;

use async_graphql::registry::Registry;
use async_graphql::{ID, InputObject, InputType, InputValueResult, MaybeUndefined, Result, Value};

use super::enums::{LeadsVisibility, LiveAvailability, TeamMemberStatus, UserType};
use super::filter_reader::filter_of;
use super::scalars::DateTime;
use crate::model::{Filter, Scopes};

/// A filter as it was given: a value of the declared type.
pub(in crate::graphql) struct TeamMemberFilter(Value);

impl TeamMemberFilter {
    /// The condition that the argument means, for a caller with these scopes.
    pub(super) fn prepare(&self, scopes: Scopes) -> Result<Filter> {
        filter_of(&self.0, scopes)
    }
}

/// The type is the declared one's. The engine's own parser would copy each object for each level that it lies below.
impl InputType for TeamMemberFilter {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        DeclaredFilter::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        DeclaredFilter::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        Ok(Self(value.unwrap_or_default()))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// Conditions on a member; all that are given must hold. A condition on a missing value is false (`isNull: true` is the one that
/// is not), and `not` turns any result round: `notIn` leaves members without a value out, `not: { … in … }` does not. An empty
/// `and` or `notIn` holds for every value; an empty `or`, `in` or list of values for none. A condition that is null is left out;
/// an operator inside one that is null is refused with `BAD_USER_INPUT`.
#[derive(InputObject)]
#[graphql(name = "TeamMemberFilter")]
struct DeclaredFilter {
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
struct TeamMemberIdFilter {
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
struct TeamMemberStringFilter {
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
struct TeamMemberIntFilter {
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
struct TeamMemberDateTimeFilter {
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
