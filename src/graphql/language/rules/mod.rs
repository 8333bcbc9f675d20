//! Rules of the specification that apollo-compiler judges otherwise, each in a file. They look at documents that it found
//! valid, so every field, fragment and argument that they meet has a definition.

mod empty_selections;
mod finding;
mod list_arguments;
mod usages;
mod values;

pub(super) use empty_selections::{empty_schema, empty_selection};
pub(super) use finding::Finding;
pub(super) use list_arguments::differing_list_arguments;
pub(super) use values::unfit_values;
