//! Empty braces: `{ }` as a selection set is a syntax error, where apollo-compiler follows a later draft of the
//! grammar; and so is a schema's definition without its operations.

use apollo_compiler::ast::{Definition, Document, Selection};
use apollo_compiler::parser::SourceSpan;

/// The first field or definition of a document whose selection set is empty.
pub(in super::super) fn empty_selection(document: &Document) -> Option<SourceSpan> {
    document.definitions.iter().find_map(|definition| match definition {
        Definition::OperationDefinition(operation) => in_set(&operation.selection_set, operation.location()),
        Definition::FragmentDefinition(fragment) => in_set(&fragment.selection_set, fragment.location()),
        _ => None,
    })
}

/// The first definition of a schema that names no operations.
pub(in super::super) fn empty_schema(document: &Document) -> Option<SourceSpan> {
    document.definitions.iter().find_map(|definition| match definition {
        Definition::SchemaDefinition(schema) if schema.root_operations.is_empty() => schema.location(),
        _ => None,
    })
}

fn in_set(selections: &[Selection], of: Option<SourceSpan>) -> Option<SourceSpan> {
    if selections.is_empty() {
        return of;
    }
    selections.iter().find_map(|selection| match selection {
        Selection::Field(field) => in_set(field.selection_set.as_deref()?, field.location()),
        Selection::InlineFragment(fragment) => in_set(&fragment.selection_set, fragment.location()),
        Selection::FragmentSpread(_) => None,
    })
}
