//! Which fields a selection set asks for: fragments spread, `@skip` and `@include` decided, equal fields merged.
//!
//! The order is that of GraphQL's CollectFields: a field stands where its response key comes first. What cannot be decided
//! here, and what the validator would refuse, is `None`: the engine has the last word on it.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::{ConstValue, Value};

/// A field, with everything that is asked for under its response key.
pub(in crate::graphql) struct Collected<'d> {
    pub(in crate::graphql) key: &'d str,
    pub(in crate::graphql) name: &'d str,
    pub(in crate::graphql) arguments: &'d [(Positioned<Name>, Positioned<Value>)],
    /// Where an error in it is reported: at the first of the fields that it was merged from.
    pub(in crate::graphql) pos: Pos,
    pub(in crate::graphql) below: Vec<&'d SelectionSet>,
}

/// Collects fields of one document, with the conditions' variables decided.
pub(in crate::graphql) struct Collector<'d> {
    document: &'d ExecutableDocument,
    /// The variables of conditions that are true.
    truths: &'d dyn Fn(&Name) -> Option<bool>,
}

impl<'d> Collector<'d> {
    pub(in crate::graphql) fn new(document: &'d ExecutableDocument, truths: &'d dyn Fn(&Name) -> Option<bool>) -> Self {
        Self { document, truths }
    }

    /// The fields of an object of type `on`, which may also be spoken of by the name `or`.
    pub(in crate::graphql) fn fields(
        &self,
        sets: &[&'d SelectionSet],
        on: &str,
        or: &str,
    ) -> Option<Vec<Collected<'d>>> {
        let mut collection = Collection { fields: Vec::new(), places: HashMap::new() };
        for set in sets {
            self.collect(set, on, or, &mut collection)?;
        }
        Some(collection.fields)
    }

    fn collect(&self, set: &'d SelectionSet, on: &str, or: &str, into: &mut Collection<'d>) -> Option<()> {
        for selection in &set.items {
            if !self.included(selection.node.directives())? {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => into.add(field)?,
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
                    if applies(condition, on, or)? {
                        self.collect(&fragment.node.selection_set.node, on, or, into)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.node.fragment_name.node)?;
                    if !fragment.node.directives.is_empty() {
                        return None;
                    }
                    if applies(Some(&fragment.node.type_condition.node.on.node), on, or)? {
                        self.collect(&fragment.node.selection_set.node, on, or, into)?;
                    }
                }
            }
        }
        Some(())
    }

    fn included(&self, directives: &[Positioned<Directive>]) -> Option<bool> {
        let mut included = true;
        for directive in directives {
            let wanted = match directive.node.name.node.as_str() {
                "include" => true,
                "skip" => false,
                _ => return None,
            };
            let value = match &directive.node.get_argument("if")?.node {
                Value::Boolean(value) => *value,
                Value::Variable(name) => (self.truths)(name)?,
                _ => return None,
            };
            included &= value == wanted;
        }
        Some(included)
    }
}

/// Whether a fragment's condition holds for an object. Only the entities are of more than one type.
fn applies(condition: Option<&Name>, on: &str, or: &str) -> Option<bool> {
    match condition.map(Name::as_str) {
        None => Some(true),
        Some(name) if name == on || name == or => Some(true),
        Some("TeamMember" | "Role") if or == "_Entity" => Some(false),
        Some(_) => None,
    }
}

struct Collection<'d> {
    fields: Vec<Collected<'d>>,
    places: HashMap<&'d str, usize>,
}

impl<'d> Collection<'d> {
    fn add(&mut self, field: &'d Positioned<Field>) -> Option<()> {
        let Field { name, arguments, selection_set, .. } = &field.node;
        let (key, name) = (field.node.response_key().node.as_str(), name.node.as_str());
        match self.places.get(key) {
            None => {
                self.places.insert(key, self.fields.len());
                let below = vec![&selection_set.node];
                self.fields.push(Collected { key, name, arguments, pos: field.pos, below });
            }
            Some(place) => {
                let known = &mut self.fields[*place];
                // The validator lets some through that differ; what the engine makes of those is its own affair.
                if known.name != name || !same(known.arguments, arguments) {
                    return None;
                }
                known.below.push(&selection_set.node);
            }
        }
        Some(())
    }
}

fn same(a: &[(Positioned<Name>, Positioned<Value>)], b: &[(Positioned<Name>, Positioned<Value>)]) -> bool {
    let find = |name: &Name| b.iter().find(|(known, _)| known.node == *name);
    a.len() == b.len() && a.iter().all(|(name, value)| find(&name.node).is_some_and(|(_, b)| b.node == value.node))
}

/// The variables that the document's conditions look at, each once, in a fixed order.
pub(in crate::graphql) fn conditions(document: &ExecutableDocument) -> Vec<Name> {
    fn walk(set: &SelectionSet, names: &mut Vec<Name>) {
        for selection in &set.items {
            for directive in selection.node.directives() {
                if let Some(Value::Variable(name)) = directive.node.get_argument("if").map(|value| &value.node) {
                    names.push(name.clone());
                }
            }
            match &selection.node {
                Selection::Field(field) => walk(&field.node.selection_set.node, names),
                Selection::InlineFragment(fragment) => walk(&fragment.node.selection_set.node, names),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    let mut names = Vec::new();
    for (_, operation) in document.operations.iter() {
        walk(&operation.node.selection_set.node, &mut names);
    }
    for fragment in document.fragments.values() {
        walk(&fragment.node.selection_set.node, &mut names);
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// The value of a condition's variable: a Boolean, or for the engine to refuse.
pub(in crate::graphql) fn truth(value: Option<&ConstValue>) -> Option<bool> {
    match value {
        Some(ConstValue::Boolean(value)) => Some(*value),
        _ => None,
    }
}
