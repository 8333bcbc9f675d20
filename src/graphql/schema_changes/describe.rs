//! The descriptive parts of a field, a value or a type: its description, and whether it is deprecated.

use apollo_compiler::Node;
use apollo_compiler::ast::DirectiveList;

use super::change::SchemaChanges;

pub(super) fn described(
    coordinate: &str,
    before: Option<&Node<str>>,
    after: Option<&Node<str>>,
    changes: &mut SchemaChanges,
) {
    if before.map(|text| &**text) != after.map(|text| &**text) {
        changes.safe("DESCRIPTION_CHANGED", coordinate, format!("The description of {coordinate} changed."));
    }
}

pub(super) fn deprecated(coordinate: &str, before: &DirectiveList, after: &DirectiveList, changes: &mut SchemaChanges) {
    match (before.has("deprecated"), after.has("deprecated")) {
        (false, true) => changes.safe("DEPRECATED", coordinate, format!("{coordinate} is deprecated.")),
        (true, false) => {
            changes.safe("DEPRECATION_REMOVED", coordinate, format!("{coordinate} is no longer deprecated."))
        }
        _ => {}
    }
}
