//! The root fields of queries. Their resolvers look the team up through the request's loader.

use async_graphql::{Context, ID, Object, Result};

use super::account::AccountInput;
use super::connection::TeamMemberConnection;
use super::filter::TeamMemberFilter;
use super::list_arguments::{ListArguments, list_arguments, list_length};
use super::metered::Metered;
use super::order::TeamMemberOrder;
use super::role::Role;
use super::session::Session;
use super::team::Team;
use super::team_member::TeamMember;

#[derive(Default)]
pub(super) struct Query;

macro_rules! query {
    ($($argument:ident: $type:ty = $about:literal $(, tag $tag:literal)?;)+) => {
#[Object(name = "TeamQuery")]
impl Query {
    /// The team of one account, as one snapshot. `account` may be left out where the request's headers (x-flowmatix-email and
    /// x-flowmatix-type) or the configuration name one. Needs the scope `team:read`.
    async fn team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account whose team is read.")] account: Option<AccountInput>,
    ) -> Option<Result<Team>> {
        Some(team(ctx, account).await)
    }

    /// The team of one account, filtered, sorted and paged over one snapshot. `account` may be left out where the request's
    /// headers (x-flowmatix-email and x-flowmatix-type) or the configuration name one. Needs the scope `team:read`.
    #[allow(clippy::too_many_arguments)]
    async fn team_members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account whose team is read.")] account: Option<AccountInput>,
        $(#[graphql(desc = $about $(, tag = $tag)?)] $argument: $type,)+
    ) -> Option<Result<TeamMemberConnection>> {
        Some(list(ctx, account, ListArguments { $($argument),+ }).await)
    }

    /// One member of an account's team; null when the team has none of this id. Needs the scope `team:read`.
    async fn team_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The identifier of the member.")] id: ID,
        #[graphql(desc = "The account whose team is read.")] account: Option<AccountInput>,
    ) -> Option<Result<TeamMember>> {
        team_member(ctx, &id, account).await.transpose()
    }

    /// The roles that members of an account's team have, by id. Needs the scope `team:read`.
    async fn roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account whose team is read.")] account: Option<AccountInput>,
        #[graphql(desc = "Returns the first n roles. Default: all.")] first: Option<i32>,
    ) -> Option<Result<Vec<Metered<Role>>>> {
        Some(roles(ctx, account, first).await)
    }

    /// One role of an account's team; null when no member has a role of this id. Needs the scope `team:read`.
    async fn role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The identifier of the role.")] id: ID,
        #[graphql(desc = "The account whose team is read.")] account: Option<AccountInput>,
    ) -> Option<Result<Role>> {
        role(ctx, &id, account).await.transpose()
    }
}
    };
}

list_arguments!(query);

async fn list(
    ctx: &Context<'_>,
    account: Option<AccountInput>,
    arguments: ListArguments,
) -> Result<TeamMemberConnection> {
    let session = Session::of(ctx)?;
    // Bad arguments are refused before anything is loaded.
    let prepared = arguments.prepare(session)?;
    let view = session.view(account.map(Into::into)).await?;
    prepared.list(session, &view, None)
}

async fn roles(ctx: &Context<'_>, account: Option<AccountInput>, first: Option<i32>) -> Result<Vec<Metered<Role>>> {
    let first = list_length(first)?;
    let view = Session::of(ctx)?.view(account.map(Into::into)).await?;
    Ok(Role::all(&view, first))
}

/// Reads a team: the root field's answer, and the entity's.
pub(super) async fn team(ctx: &Context<'_>, account: Option<AccountInput>) -> Result<Team> {
    let view = Session::of(ctx)?.view(account.map(Into::into)).await?;
    Ok(Team::new(&view))
}

/// Looks up a member: the root field's answer, and the entity's.
pub(super) async fn team_member(
    ctx: &Context<'_>,
    id: &str,
    account: Option<AccountInput>,
) -> Result<Option<TeamMember>> {
    let view = Session::of(ctx)?.view(account.map(Into::into)).await?;
    Ok(TeamMember::find(&view, id))
}

/// Looks up a role: the root field's answer, and the entity's.
pub(super) async fn role(ctx: &Context<'_>, id: &str, account: Option<AccountInput>) -> Result<Option<Role>> {
    let view = Session::of(ctx)?.view(account.map(Into::into)).await?;
    Ok(Role::find(&view, id))
}
