//! The schema that a composer reads: the API with its entities' keys declared in async-graphql's way.
//!
//! It is printed only, never executed: async-graphql's own `_entities` loses the whole list when one representation fails.

use async_graphql::{Context, EmptyMutation, ID, MergedObject, Object, ObjectType, Result, Schema};

use super::account::AccountInput;
use super::mutation::Mutation;
use super::query::{Query, role, team, team_member};
use super::role::Role;
use super::sdl::{options, tidy};
use super::subgraph_sdl::complete;
use super::subscription::Subscription;
use super::team::Team;
use super::team_member::TeamMember;
use crate::config::FederationConfig;

/// The team of a Flowmatix account: who is in it, with which role, and how they can be reached.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
struct KeyedRoot(Query, EntityKeys);

/// The schema as a subgraph shows it to a composer, with its federation directives as the settings want them; `tokens` adds what
/// is served only with `tokens.enabled`.
#[must_use]
pub fn federation_sdl(settings: &FederationConfig, tokens: bool) -> String {
    let printed = if tokens { print(Mutation) } else { print(EmptyMutation) };
    tidy(&complete(&printed, settings))
}

fn print<Mutations: ObjectType + 'static>(mutations: Mutations) -> String {
    let schema = Schema::build(KeyedRoot::default(), mutations, Subscription)
        .enable_federation()
        .enable_subscription_in_federation()
        .finish();
    schema.sdl_with_options(options().federation())
}

/// The entities' keys, as async-graphql prints them into the federation SDL.
#[derive(Default)]
struct EntityKeys;

#[Object(name = "EntityKeys")]
impl EntityKeys {
    #[graphql(entity)]
    async fn team_member_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<TeamMember>> {
        team_member(ctx, &id, None).await
    }

    #[graphql(entity)]
    async fn team_member_of_account(
        &self,
        ctx: &Context<'_>,
        id: ID,
        account: AccountInput,
    ) -> Result<Option<TeamMember>> {
        team_member(ctx, &id, Some(account)).await
    }

    #[graphql(entity)]
    async fn role_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Role>> {
        role(ctx, &id, None).await
    }

    #[graphql(entity)]
    async fn role_of_account(&self, ctx: &Context<'_>, id: ID, account: AccountInput) -> Result<Option<Role>> {
        role(ctx, &id, Some(account)).await
    }

    #[graphql(entity)]
    async fn team_of_account(&self, ctx: &Context<'_>, account: AccountInput) -> Result<Option<Team>> {
        team(ctx, Some(account)).await.map(Some)
    }
}
