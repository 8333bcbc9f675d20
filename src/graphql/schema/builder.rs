//! The served schemas: the API, and the API as a subgraph.

use async_graphql::{EmptyMutation, EmptySubscription, MergedObject, ObjectType, Schema, SchemaBuilder};

use super::entities::Entities;
use super::query::Query;
use super::sdl::{options, tidy};

/// The team of a Flowmatix account: who is in it, with which role, and how they can be reached.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub(in crate::graphql) struct ApiRoot(Query);

/// The team of a Flowmatix account: who is in it, with which role, and how they can be reached.
// The API as a subgraph: with `_entities` and `_service`, which are resolved field by field here.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub(in crate::graphql) struct SubgraphRoot(Query, Entities);

pub(in crate::graphql) fn build<Root: ObjectType + Default + 'static>()
-> SchemaBuilder<Root, EmptyMutation, EmptySubscription> {
    Schema::build(Root::default(), EmptyMutation, EmptySubscription)
}

/// The plain API schema, as `schema.graphql` has it.
#[must_use]
pub fn api_sdl() -> String {
    tidy(&build::<ApiRoot>().finish().sdl_with_options(options()))
}

/// The schema that documents are validated against: the API, or a subgraph's with `_entities` and `_service`.
pub(in crate::graphql) fn served_sdl(subgraph: bool) -> String {
    if subgraph {
        build::<SubgraphRoot>().finish().sdl_with_options(options())
    } else {
        build::<ApiRoot>().finish().sdl_with_options(options())
    }
}
