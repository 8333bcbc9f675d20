//! Repetition: how often a document selects the same. The projection writes it once, but what is resolved field by field is worked
//! out as often as it is selected.

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::executable::{Fragment, Selection, SelectionSet};

use super::measure::is_introspection;

/// The fragments of a document, by name.
type Fragments<'d> = &'d dyn Fn(&str) -> Option<&'d Node<Fragment>>;

/// The most times that one field of an answer is selected, with all fragments spread.
pub(in crate::graphql) fn repetition<'d>(set: &'d SelectionSet, fragments: Fragments<'d>) -> usize {
    most(&[set], fragments)
}

fn most<'d>(sets: &[&'d SelectionSet], fragments: Fragments<'d>) -> usize {
    let mut fields = HashMap::new();
    sets.iter().for_each(|set| collect(set, fragments, &mut fields));
    let most_of = |(times, below): (usize, Vec<&'d SelectionSet>)| {
        if below.is_empty() { times } else { times.max(most(&below, fragments)) }
    };
    fields.into_values().map(most_of).max().unwrap_or(1)
}

/// Counts each field by its key, and collects what is selected below.
fn collect<'d>(
    set: &'d SelectionSet,
    fragments: Fragments<'d>,
    fields: &mut HashMap<&'d str, (usize, Vec<&'d SelectionSet>)>,
) {
    for selection in &set.selections {
        match selection {
            // What is asked about the schema is not resolved.
            Selection::Field(field) if is_introspection(&field.name) => {}
            Selection::Field(field) => {
                let (times, below) = fields.entry(field.response_name().as_str()).or_default();
                *times += 1;
                below.extend(field.selection_set.as_ref());
            }
            Selection::InlineFragment(fragment) => collect(&fragment.selection_set, fragments, fields),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments(&spread.fragment_name) {
                    collect(&fragment.selection_set, fragments, fields);
                }
            }
        }
    }
}
