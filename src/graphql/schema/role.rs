//! A role, as a view of the members that have it. The upstream has no list of roles; these are the ones in use.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use super::account::Account;
use super::connection::{ListArguments, TeamMemberConnection};
use super::filter::TeamMemberFilter;
use super::order::TeamMemberOrder;
use super::session::{Session, View};
use crate::model;

pub(super) struct Role {
    view: Arc<View>,
    place: u32,
}

impl Role {
    /// The role at this place of the roster.
    pub(super) fn new(view: &Arc<View>, place: u32) -> Self {
        Self { view: view.clone(), place }
    }

    /// The role with this id, if a member of the team has it.
    pub(super) fn find(view: &Arc<View>, id: &str) -> Option<Self> {
        view.roster.find_role(id).map(|place| Self::new(view, place))
    }

    /// All roles of the team, by id.
    pub(super) fn all(view: &Arc<View>) -> Vec<Self> {
        (0..).take(view.roster.roles_len()).map(|place| Self::new(view, place)).collect()
    }

    fn role(&self) -> model::Role<'_> {
        self.view.roster.role(self.place)
    }
}

/// A role that at least one member of an account's team has.
#[Object]
impl Role {
    /// The identifier of the role.
    async fn id(&self) -> ID {
        ID(self.role().id.plain().into_owned())
    }

    /// The account in whose team the role was found.
    async fn account(&self) -> Account {
        self.view.account().into()
    }

    /// The members that have this role, filtered, sorted and paged like `teamMembers`.
    #[allow(clippy::too_many_arguments)]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Text to look for in name, e-mail address and telephone number, whatever the case and accents."
        )]
        search: Option<String>,
        #[graphql(desc = "Filter conditions.")] filter: Option<TeamMemberFilter>,
        #[graphql(desc = "Sort keys, most significant first. Default: by id.")] order_by: Option<Vec<TeamMemberOrder>>,
        #[graphql(desc = "Returns the first n members.")] first: Option<i32>,
        #[graphql(desc = "Returns members after this cursor.")] after: Option<String>,
        #[graphql(desc = "Returns the last n members.")] last: Option<i32>,
        #[graphql(desc = "Returns members before this cursor.")] before: Option<String>,
    ) -> Option<Result<TeamMemberConnection>> {
        let arguments = ListArguments { search, filter: filter.map(Box::new), order_by, first, after, last, before };
        let session = Session::of(ctx);
        Some(session.and_then(|session| arguments.prepare(session)?.list(session, &self.view, Some(self.role()))))
    }

    /// How many members have this role.
    async fn member_count(&self) -> Option<i32> {
        i32::try_from(self.role().members.len()).ok()
    }
}
