//! The schema: what can be asked, described for the people who read it in an explorer.
//!
//! Every field of a member, a role or a connection is a view of one snapshot; only the root fields and the entities load
//! anything. A root field is nullable, so that one failing account never nulls the others.

use async_graphql::{
    EmptyMutation, EmptySubscription, MergedObject, ObjectType, SDLExportOptions, Schema, SchemaBuilder,
};

use super::entities::{Entities, EntityKeys};
use super::query::Query;

/// The team of a Flowmatix account: who is in it, with which role, and how they can be reached.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub(in crate::graphql) struct ApiRoot(Query);

/// The team of a Flowmatix account: who is in it, with which role, and how they can be reached.
// The API as a subgraph: with `_entities` and `_service`, whose answers are ours field by field.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub(in crate::graphql) struct SubgraphRoot(Query, Entities);

/// The team of a Flowmatix account: who is in it, with which role, and how they can be reached.
// The API with its entities' keys declared the engine's way, from which the engine prints the federation SDL. It is not
// executed: the engine's own `_entities` loses the whole list when one representation fails.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
struct KeyedRoot(Query, EntityKeys);

pub(in crate::graphql) fn build<Root: ObjectType + Default + 'static>()
-> SchemaBuilder<Root, EmptyMutation, EmptySubscription> {
    Schema::build(Root::default(), EmptyMutation, EmptySubscription)
}

/// The plain API schema, as `schema.graphql` has it.
#[must_use]
pub fn api_sdl() -> String {
    tidy(&build::<ApiRoot>().finish().sdl_with_options(options()))
}

/// The schema as a subgraph shows it to a composer, with its federation directives.
#[must_use]
pub fn federation_sdl() -> String {
    let schema = build::<KeyedRoot>().enable_federation().finish();
    tidy(&schema.sdl_with_options(options().federation()))
}

/// The schema that documents are validated against: the API, or a subgraph's with `_entities` and `_service`.
pub(in crate::graphql) fn served_sdl(subgraph: bool) -> String {
    if subgraph {
        build::<SubgraphRoot>().finish().sdl_with_options(options())
    } else {
        build::<ApiRoot>().finish().sdl_with_options(options())
    }
}

fn options() -> SDLExportOptions {
    SDLExportOptions::new().use_space_ident().prefer_single_line_descriptions().include_specified_by()
}

/// One blank line between definitions, none at either end.
fn tidy(sdl: &str) -> String {
    let mut text = String::with_capacity(sdl.len());
    for line in sdl.lines().map(str::trim_end) {
        if !(line.is_empty() && (text.is_empty() || text.ends_with("\n\n"))) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
