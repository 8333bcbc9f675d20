//! A role, as a view of the members that have it. The upstream has no list of roles; these are the ones in use.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use super::account::Account;
use super::connection::TeamMemberConnection;
use super::filter::TeamMemberFilter;
use super::list_arguments::{ListArguments, list_arguments};
use super::metered::Metered;
use super::order::TeamMemberOrder;
use super::session::View;
use super::team::Team;
use crate::model;

pub(super) struct Role {
    view: Arc<View>,
    index: u32,
}

impl Role {
    /// The role at this index of the roster.
    pub(super) fn new(view: &Arc<View>, index: u32) -> Self {
        Self { view: view.clone(), index }
    }

    /// The role with this id, if a member of the team has it.
    pub(super) fn find(view: &Arc<View>, id: &str) -> Option<Self> {
        view.roster.find_role(id).map(|index| Self::new(view, index))
    }

    /// The first roles of the team, by id.
    pub(super) fn all(view: &Arc<View>, first: usize) -> Vec<Metered<Self>> {
        (0..).take(view.roster.roles_len().min(first)).map(|index| Metered(Self::new(view, index))).collect()
    }

    fn role(&self) -> model::Role<'_> {
        self.view.roster.role(self.index)
    }
}

macro_rules! role {
    ($($argument:ident: $type:ty = $about:literal $(, tag $tag:literal)?;)+) => {
/// A role that at least one member of an account's team has.
#[Object]
impl Role {
    /// The identifier of the role.
    pub(super) async fn id(&self) -> ID {
        ID(self.role().id.plain().into_owned())
    }

    /// The account in whose team the role was found.
    async fn account(&self) -> Account {
        self.view.account().into()
    }

    /// The members that have this role, filtered, sorted and paged like `teamMembers`. Null where an argument is refused.
    #[allow(clippy::too_many_arguments)]
    async fn members(
        &self,
        ctx: &Context<'_>,
        $(#[graphql(desc = $about $(, tag = $tag)?)] $argument: $type,)+
    ) -> Option<Result<TeamMemberConnection>> {
        ListArguments { $($argument),+ }.members(ctx, &self.view, Some(self.index))
    }

    /// How many members have this role.
    async fn member_count(&self) -> i32 {
        i32::try_from(self.role().members.len()).unwrap_or(i32::MAX)
    }

    /// The team that the role was read from: how old it is, and what else is in it.
    async fn team(&self) -> Team {
        Team::new(&self.view)
    }
}
    };
}

list_arguments!(role);
