//! Merging: fields that are merged have the same arguments. apollo-compiler compares lists only as far as the shorter one
//! goes; here they are compared whole.

use std::collections::HashSet;

use apollo_compiler::ast::Value;
use apollo_compiler::collections::IndexMap;
use apollo_compiler::executable::{Argument, Field, Selection, SelectionSet};
use apollo_compiler::{ExecutableDocument, Name, Node};

use super::finding::Finding;

/// Fields that would be merged although the lists in their arguments differ.
pub(in super::super) fn differing_list_arguments(document: &ExecutableDocument) -> Vec<Finding> {
    let mut findings = Vec::new();
    for operation in document.operations.iter() {
        Merging { document, findings: &mut findings }.check(&[&operation.selection_set]);
    }
    findings
}

struct Merging<'d, 'f> {
    document: &'d ExecutableDocument,
    findings: &'f mut Vec<Finding>,
}

/// Fields under their response key and the type that they are selected on: those of other types are never merged.
type Groups<'d> = IndexMap<(&'d Name, &'d Name), Vec<&'d Node<Field>>>;

impl<'d> Merging<'d, '_> {
    /// Checks what is merged from these selection sets. The limit on selections, fragments spread, bounds the work.
    fn check(&mut self, sets: &[&'d SelectionSet]) {
        let mut groups = Groups::default();
        let mut seen = HashSet::new();
        for set in sets {
            self.group(set, &mut groups, &mut seen);
        }
        for fields in groups.into_values() {
            let first = fields[0];
            for other in &fields[1..] {
                if !same_arguments(&first.arguments, &other.arguments) {
                    self.findings.push(Finding {
                        message: format!(
                            "Fields \"{}\" conflict because they have differing arguments. Use different aliases on the \
                             fields to fetch both if this was intentional.",
                            first.response_name()
                        ),
                        locations: vec![first.location(), other.location()],
                    });
                }
            }
            let below: Vec<_> = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
            if !below.is_empty() {
                self.check(&below);
            }
        }
    }

    fn group(&self, set: &'d SelectionSet, groups: &mut Groups<'d>, seen: &mut HashSet<&'d Name>) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    groups.entry((field.response_name(), &set.ty)).or_default().push(field);
                }
                Selection::InlineFragment(fragment) => self.group(&fragment.selection_set, groups, seen),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                        && seen.insert(&spread.fragment_name)
                    {
                        self.group(&fragment.selection_set, groups, seen);
                    }
                }
            }
        }
    }
}

fn same_arguments(a: &[Node<Argument>], b: &[Node<Argument>]) -> bool {
    let find = |name: &Name| b.iter().find(|argument| argument.name == *name);
    a.iter().all(|argument| find(&argument.name).is_none_or(|other| same(&argument.value, &other.value)))
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let find = |name: &Name| b.iter().find(|(known, _)| known == name);
            a.iter().all(|(name, value)| find(name).is_none_or(|(_, other)| same(value, other)))
        }
        // Everything but lists has been compared.
        _ => true,
    }
}
