//! Collecting: which fields a selection set asks for, with fragments spread, `@skip` and `@include` decided, and equal
//! fields merged.
//!
//! The order is that of GraphQL's CollectFields: a field stands where its response key comes first. Fields of one key may be
//! merged without a look at their arguments, because the document is valid.

use std::cell::Cell;
use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};

use crate::graphql::language::{ArgumentError, Document, Truths, is_included};

/// A field, with everything that is selected below its response key.
pub(in crate::graphql) struct Collected<'d> {
    pub(in crate::graphql) key: &'d str,
    /// The first of the fields that it was merged from: where an error in it is reported.
    pub(in crate::graphql) field: &'d Node<Field>,
    pub(in crate::graphql) below: Vec<&'d SelectionSet>,
    /// How many of its arguments the plan has looked at.
    pub(super) arguments_read: Cell<usize>,
}

impl<'d> Collected<'d> {
    pub(super) fn name(&self) -> &'d str {
        self.field.name.as_str()
    }

    /// The name of its objects' type, which may be abstract, or of its scalar.
    pub(in crate::graphql) fn type_name(&self) -> &'d str {
        self.field.definition.ty.inner_named_type().as_str()
    }
}

/// Collects fields of one document, with the conditions' variables decided.
pub(in crate::graphql) struct Collector<'d> {
    pub(super) document: &'d Document,
    truths: Truths<'d>,
}

impl<'d> Collector<'d> {
    pub(in crate::graphql) fn new(document: &'d Document, truths: Truths<'d>) -> Self {
        Self { document, truths }
    }

    /// The fields of an object of type `on`.
    ///
    /// # Errors
    /// A condition's variable is null.
    pub(in crate::graphql) fn fields(
        &self,
        sets: &[&'d SelectionSet],
        on: &str,
    ) -> Result<Vec<Collected<'d>>, ArgumentError> {
        let mut collection = Collection { fields: Vec::new(), indexes: HashMap::new() };
        for set in sets {
            self.collect(set, on, &mut collection)?;
        }
        Ok(collection.fields)
    }

    fn collect(&self, set: &'d SelectionSet, on: &str, into: &mut Collection<'d>) -> Result<(), ArgumentError> {
        for selection in &set.selections {
            if !is_included(selection.directives(), self.truths)? {
                continue;
            }
            match selection {
                Selection::Field(field) => into.add(field),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.type_condition.as_ref().map(|name| name.as_str());
                    if condition.is_none_or(|condition| self.applies(condition, on)) {
                        self.collect(&fragment.selection_set, on, into)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    // The validation has seen to it that there is one.
                    let fragment = self.document.fragment(&spread.fragment_name);
                    if let Some(fragment) = fragment.filter(|fragment| self.applies(fragment.type_condition(), on)) {
                        self.collect(&fragment.selection_set, on, into)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether an object of type `on` is of the type of a fragment's condition.
    fn applies(&self, condition: &str, on: &str) -> bool {
        condition == on || self.document.schema().is_subtype(condition, on)
    }
}

struct Collection<'d> {
    fields: Vec<Collected<'d>>,
    /// By response key.
    indexes: HashMap<&'d str, usize>,
}

impl<'d> Collection<'d> {
    fn add(&mut self, field: &'d Node<Field>) {
        let key = field.response_name().as_str();
        let index = *self.indexes.entry(key).or_insert(self.fields.len());
        if index == self.fields.len() {
            self.fields.push(Collected { key, field, below: Vec::new(), arguments_read: Cell::new(0) });
        }
        self.fields[index].below.extend(&field.selection_set);
    }
}

/// The variables that an operation's conditions depend on, each once, in a fixed order.
pub(super) fn conditions<'d>(document: &'d Document, operation: &'d Operation) -> Vec<&'d str> {
    let mut walk = Conditions { document, names: Vec::new(), fragments: Vec::new() };
    walk.set(&operation.selection_set);
    walk.names.sort_unstable();
    walk.names.dedup();
    walk.names
}

struct Conditions<'d> {
    document: &'d Document,
    names: Vec<&'d str>,
    /// Those that have been walked.
    fragments: Vec<&'d str>,
}

impl<'d> Conditions<'d> {
    fn set(&mut self, set: &'d SelectionSet) {
        for selection in &set.selections {
            for directive in selection.directives().iter() {
                let value = directive.specified_argument_by_name("if");
                self.names.extend(value.and_then(|value| value.as_variable()).map(|name| name.as_str()));
            }
            match selection {
                Selection::Field(field) => field.selection_set.iter().for_each(|set| self.set(set)),
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    let name = spread.fragment_name.as_str();
                    if !self.fragments.contains(&name)
                        && let Some(fragment) = self.document.fragment(name)
                    {
                        self.fragments.push(name);
                        self.set(&fragment.selection_set);
                    }
                }
            }
        }
    }
}
