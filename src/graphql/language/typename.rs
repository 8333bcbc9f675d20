//! `__typename` with directives. The engine's validator does not look at those, and takes a variable that only they use for
//! one that nobody does. An inline fragment with the directives, around the field without, says the same.

use async_graphql::Positioned;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, InlineFragment, Selection, SelectionSet};

pub(in crate::graphql) fn rewrite(document: &mut ExecutableDocument) {
    match &mut document.operations {
        DocumentOperations::Single(operation) => rewrite_set(&mut operation.node.selection_set.node),
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().for_each(|operation| rewrite_set(&mut operation.node.selection_set.node));
        }
    }
    document.fragments.values_mut().for_each(|fragment| rewrite_set(&mut fragment.node.selection_set.node));
}

fn rewrite_set(set: &mut SelectionSet) {
    for selection in &mut set.items {
        let place = selection.pos;
        match &mut selection.node {
            Selection::Field(field) if field.node.name.node == "__typename" && !field.node.directives.is_empty() => {
                let directives = std::mem::take(&mut field.node.directives);
                let items = vec![Positioned::new(Selection::Field(field.clone()), place)];
                let selection_set = Positioned::new(SelectionSet { items }, place);
                let fragment = InlineFragment { type_condition: None, directives, selection_set };
                selection.node = Selection::InlineFragment(Positioned::new(fragment, place));
            }
            Selection::Field(field) => rewrite_set(&mut field.node.selection_set.node),
            Selection::InlineFragment(fragment) => rewrite_set(&mut fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => {}
        }
    }
}
