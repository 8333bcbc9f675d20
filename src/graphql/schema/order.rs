//! The sort argument.

use async_graphql::{Enum, InputObject};

use crate::model;

/// A sort key. Nulls come last in both directions, and ties are broken by id.
#[derive(InputObject)]
pub(in crate::graphql) struct TeamMemberOrder {
    /// What to sort by.
    field: TeamMemberOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

/// What members can be sorted by. More values may be added.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "model::OrderField")]
pub(super) enum TeamMemberOrderField {
    /// By name, as Unicode sorts text of all languages together: by letters, then by accents, then by case.
    Name,
    /// ACTIVE, then INACTIVE.
    Status,
    /// ONLINE, then OFFLINE.
    LiveAvailability,
    /// AGENT, CUSTOM_USER, CUSTOMER.
    Type,
    /// By the number of unread messages.
    UnreadMessages,
    /// By the time of creation.
    CreatedAt,
    /// By the time of the last change.
    UpdatedAt,
    /// By identifier.
    Id,
}

/// Which way to sort.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "model::Direction")]
pub(super) enum OrderDirection {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// The order that the arguments ask for; by id without any.
pub(in crate::graphql) fn order(keys: Option<Vec<TeamMemberOrder>>) -> model::Order {
    let keys = keys.unwrap_or_default();
    model::Order::new(keys.into_iter().map(|key| (key.field.into(), key.direction.into())).collect())
}
