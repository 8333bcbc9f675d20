//! Groups of members as the schema has them: the arguments, and the object of a group with its key.

use std::sync::Arc;

use async_graphql::{InputObject, Object, Result, SimpleObject};

use super::enums::{LeadsVisibility, LiveAvailability, TeamMemberStatus, UserType};
use super::enums::{OrderDirection, TeamMemberGroupField, TeamMemberGroupOrderField};
use super::list_arguments::list_length;
use super::metered::Metered;
use super::role::Role;
use super::session::View;
use crate::model;

/// A sort key of groups. Ties are broken by key.
#[derive(InputObject)]
pub(in crate::graphql) struct TeamMemberGroupOrder {
    /// The sort field.
    field: TeamMemberGroupOrderField,
    /// The sort direction.
    #[graphql(default_with = "OrderDirection::Asc")]
    direction: OrderDirection,
}

/// The prepared arguments of groups.
pub(in crate::graphql) struct PreparedGroups {
    pub(super) by: Vec<model::GroupField>,
    pub(super) order: model::GroupOrder,
    pub(super) first: usize,
}

impl PreparedGroups {
    pub(in crate::graphql) fn new(
        by: Vec<TeamMemberGroupField>,
        order: Option<TeamMemberGroupOrder>,
        first: Option<i32>,
    ) -> Result<Self> {
        let order =
            order.map(|order| model::GroupOrder { field: order.field.into(), direction: order.direction.into() });
        let by = by.into_iter().map(Into::into).collect();
        Ok(Self { by, order: order.unwrap_or_default(), first: list_length(first)? })
    }
}

/// The members of a list that have the same key, counted.
#[derive(SimpleObject)]
pub(super) struct TeamMemberGroup {
    /// The values that they have in common.
    key: TeamMemberGroupKey,
    /// How many they are.
    count: i32,
    /// The sum of their unread messages. A missing number counts as 0; a sum that `Int` cannot hold is the nearest that it can.
    unread_messages: i32,
}

pub(super) struct TeamMemberGroupKey {
    view: Arc<View>,
    key: model::GroupKey,
}

/// The values that the members of a group have in common. A field is null where `by` does not name it, and where the
/// members have no value that this version can read.
#[Object]
impl TeamMemberGroupKey {
    /// The kind of user.
    #[graphql(name = "type")]
    async fn user_type(&self) -> Option<UserType> {
        self.key.user_type.map(Into::into)
    }

    /// The status.
    async fn status(&self) -> Option<TeamMemberStatus> {
        self.key.status.map(Into::into)
    }

    /// The live availability.
    async fn live_availability(&self) -> Option<LiveAvailability> {
        self.key.live_availability.map(Into::into)
    }

    /// The leads visibility.
    async fn leads_visibility(&self) -> Option<LeadsVisibility> {
        self.key.leads_visibility.map(Into::into)
    }

    /// The role.
    async fn role(&self) -> Option<Role> {
        self.key.role.map(|index| Role::new(&self.view, index))
    }

    /// Whether the members belong to a white label.
    async fn whitelabel(&self) -> Option<bool> {
        self.key.whitelabel
    }
}

/// The groups as output.
pub(super) fn output(view: &Arc<View>, groups: Vec<model::Group>) -> Vec<Metered<TeamMemberGroup>> {
    let group = |group: model::Group| TeamMemberGroup {
        key: TeamMemberGroupKey { view: view.clone(), key: group.key },
        count: int(group.count),
        unread_messages: sum(group.unread_messages),
    };
    groups.into_iter().map(|found| Metered(group(found))).collect()
}

/// A count as an `Int`.
pub(in crate::graphql) fn int(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A sum as an `Int`.
pub(in crate::graphql) fn sum(sum: i64) -> i32 {
    i32::try_from(sum).unwrap_or(if sum < 0 { i32::MIN } else { i32::MAX })
}
