//! Relay's `Node`: members and roles, asked for again by their identifier. It is no part of the federation SDL, where entities have
//! their own way and a graph has one `node` at most.

use async_graphql::{Context, ID, Interface, Object, Result};

use super::role::Role;
use super::session::Session;
use super::team_member::TeamMember;

/// An object that `node` finds by its identifier.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The identifier: the upstream's own."))]
#[allow(clippy::large_enum_variant)]
pub(super) enum Node {
    TeamMember(TeamMember),
    Role(Role),
}

#[derive(Default)]
pub(super) struct Nodes;

#[Object(name = "NodeQuery")]
impl Nodes {
    /// For Relay: the member or role of this identifier in the request's account, which headers, token or configuration name; null
    /// when its team has neither. Needs the scope `team:read`.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The identifier of a member or a role.")] id: ID,
    ) -> Option<Result<Node>> {
        node(ctx, &id).await.transpose()
    }
}

async fn node(ctx: &Context<'_>, id: &str) -> Result<Option<Node>> {
    let view = Session::of(ctx)?.view(None).await?;
    let role = || Role::find(&view, id).map(Node::Role);
    Ok(TeamMember::find(&view, id).map(Node::TeamMember).or_else(role))
}
