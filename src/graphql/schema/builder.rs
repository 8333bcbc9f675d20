//! The served schemas: the API, and the API as a subgraph; each with mutations or without.

use async_graphql::{EmptyMutation, MergedObject, ObjectType, Schema, SchemaBuilder};

use super::entities::Entities;
use super::mutation::Mutation;
use super::node::Nodes;
use super::query::Query;
use super::sdl::{options, tidy};
use super::subscription::Subscription;

/// The team of a Flowmatix account: who is in it, with which role, and how they can be reached.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub(in crate::graphql) struct ApiRoot(Query, Nodes);

/// The team of a Flowmatix account: who is in it, with which role, and how they can be reached.
// The API as a subgraph: with `_entities` and `_service`, which are resolved field by field here.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub(in crate::graphql) struct SubgraphRoot(Query, Nodes, Entities);

/// The schema for execution. It has the mutations whether they are served or not: only valid documents reach it, and they are
/// valid for what is served.
pub(in crate::graphql) fn build<Root: ObjectType + Default + 'static>() -> SchemaBuilder<Root, Mutation, Subscription> {
    Schema::build(Root::default(), Mutation, Subscription)
}

/// The plain API schema, as `schema.graphql` has it; `tokens` adds what is served only with `tokens.enabled`.
#[must_use]
pub fn api_sdl(tokens: bool) -> String {
    tidy(&served_sdl(false, tokens))
}

/// The schema that documents are validated against: the API, or a subgraph's with `_entities` and `_service`.
pub(in crate::graphql) fn served_sdl(subgraph: bool, tokens: bool) -> String {
    match (subgraph, tokens) {
        (false, false) => print::<ApiRoot, _>(EmptyMutation),
        (false, true) => print::<ApiRoot, _>(Mutation),
        (true, false) => print::<SubgraphRoot, _>(EmptyMutation),
        (true, true) => print::<SubgraphRoot, _>(Mutation),
    }
}

fn print<Root: ObjectType + Default + 'static, Mutations: ObjectType + 'static>(mutations: Mutations) -> String {
    Schema::build(Root::default(), mutations, Subscription).finish().sdl_with_options(options())
}
