//! The sort argument of members: the input object and its enums, and their conversion to the model's order.

use async_graphql::InputObject;

use super::enums::{OrderDirection, TeamMemberOrderField};
use crate::model;

/// A sort key. Nulls come last in both directions, and ties are broken by id.
#[derive(InputObject)]
pub(in crate::graphql) struct TeamMemberOrder {
    /// The sort field.
    field: TeamMemberOrderField,
    /// The sort direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

/// The order that the arguments ask for; by id without any.
pub(in crate::graphql) fn order(keys: Option<Vec<TeamMemberOrder>>) -> model::Order {
    let keys = keys.unwrap_or_default();
    model::Order::new(keys.into_iter().map(|key| (key.field.into(), key.direction.into())).collect())
}
