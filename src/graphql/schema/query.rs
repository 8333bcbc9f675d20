//! The root fields.

use async_graphql::{Context, ID, Object, Result};

use super::account::AccountInput;
use super::connection::{ListArguments, TeamMemberConnection};
use super::filter::TeamMemberFilter;
use super::metered::Metered;
use super::order::TeamMemberOrder;
use super::role::Role;
use super::session::Session;
use super::team_member::TeamMember;

#[derive(Default)]
pub(super) struct Query;

#[Object(name = "TeamQuery")]
impl Query {
    /// The team of one account, filtered, sorted and paged over one snapshot. `account` may be left out where the request's
    /// headers (x-flowmatix-email and x-flowmatix-type) or the configuration name one.
    #[allow(clippy::too_many_arguments)]
    async fn team_members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account whose team is read.")] account: Option<AccountInput>,
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
        Some(list(ctx, account, arguments).await)
    }

    /// One member of an account's team; null when the team has none of this id.
    async fn team_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The identifier of the member.")] id: ID,
        #[graphql(desc = "The account whose team is read.")] account: Option<AccountInput>,
    ) -> Option<Result<TeamMember>> {
        team_member(ctx, &id, account).await.transpose()
    }

    /// The roles that members of an account's team have, by id.
    async fn roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account whose team is read.")] account: Option<AccountInput>,
    ) -> Option<Result<Vec<Metered<Role>>>> {
        Some(roles(ctx, account).await)
    }

    /// One role of an account's team; null when no member has a role of this id.
    async fn role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The identifier of the role.")] id: ID,
        #[graphql(desc = "The account whose team is read.")] account: Option<AccountInput>,
    ) -> Option<Result<Role>> {
        role(ctx, &id, account).await.transpose()
    }
}

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

async fn roles(ctx: &Context<'_>, account: Option<AccountInput>) -> Result<Vec<Metered<Role>>> {
    let view = Session::of(ctx)?.view(account.map(Into::into)).await?;
    Ok(Role::all(&view).into_iter().map(Metered).collect())
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
