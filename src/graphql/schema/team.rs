//! A team, as one snapshot: what every member and role of it was read from, and what a user must know of that.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use super::account::Account;
use super::connection::TeamMemberConnection;
use super::filter::TeamMemberFilter;
use super::list_arguments::{ListArguments, list_arguments, list_length};
use super::metered::Metered;
use super::order::TeamMemberOrder;
use super::role::Role;
use super::scalars::DateTime;
use super::session::{Session, View};
use super::skipped_row::{SkippedRow, skipped_rows};
use super::team_member::TeamMember;

pub(super) struct Team {
    view: Arc<View>,
}

impl Team {
    /// The team of this view.
    pub(super) fn new(view: &Arc<View>) -> Self {
        Self { view: view.clone() }
    }
}

macro_rules! team {
    ($($argument:ident: $type:ty = $about:literal $(, tag $tag:literal)?;)+) => {
/// One account's team, as one snapshot: everything below it was read from the same upstream answer.
#[Object]
impl Team {
    /// The account whose team it is.
    async fn account(&self) -> Account {
        self.view.account().into()
    }

    /// The members, filtered, sorted and paged. Null where an argument is refused.
    #[allow(clippy::too_many_arguments)]
    async fn members(
        &self,
        ctx: &Context<'_>,
        $(#[graphql(desc = $about $(, tag = $tag)?)] $argument: $type,)+
    ) -> Option<Result<TeamMemberConnection>> {
        ListArguments { $($argument),+ }.members(ctx, &self.view, None)
    }

    /// One member; null when the team has none of this id.
    async fn member(
        &self,
        #[graphql(desc = "The identifier of the member.")] id: ID,
    ) -> Option<TeamMember> {
        TeamMember::find(&self.view, &id)
    }

    /// The roles that members of the team have, by id.
    async fn roles(
        &self,
        #[graphql(desc = "Returns the first n roles. Default: all.")] first: Option<i32>,
    ) -> Result<Vec<Metered<Role>>> {
        Ok(Role::all(&self.view, list_length(first)?))
    }

    /// One role; null when no member has a role of this id.
    async fn role(
        &self,
        #[graphql(desc = "The identifier of the role.")] id: ID,
    ) -> Option<Role> {
        Role::find(&self.view, &id)
    }

    /// When the upstream gave this snapshot. All fields of one response read the same snapshot of an account.
    async fn fetched_at(&self) -> DateTime {
        DateTime(self.view.roster.fetched_at())
    }

    /// True when the snapshot is older than the configured fresh window, because the upstream gave no newer one.
    async fn stale(&self) -> bool {
        self.view.stale
    }

    /// A number that grows with every new snapshot of this account: the one of two answers with the greater number is the newer.
    /// By how much it grows means nothing.
    async fn generation(&self) -> i32 {
        self.view.generation()
    }

    /// Rows of the upstream's answer that could not be read at all, and so are not in the team.
    async fn skipped_rows(
        &self,
        #[graphql(desc = "Returns the first n rows. Default: all.")] first: Option<i32>,
    ) -> Result<Vec<Metered<SkippedRow>>> {
        skipped_rows(&self.view, first)
    }

    /// Whether the caller may read contact data, which needs the scope `team:contact:read`. Without it `contact` is null.
    async fn contact_access(&self, ctx: &Context<'_>) -> bool {
        Session::of(ctx).is_ok_and(|session| session.scopes().contact)
    }
}
    };
}

list_arguments!(team);
