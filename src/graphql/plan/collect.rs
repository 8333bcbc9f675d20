//! Collecting: which fields a selection set asks for, with fragments spread, `@skip` and `@include` decided, and equal
//! fields merged.
//!
//! The order is that of GraphQL's CollectFields: a field stands where its response key comes first. Fields of one key may be
//! merged without a look at their arguments, because the document is valid.

use std::cell::Cell;
use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::ast::Value;
use apollo_compiler::executable::{DirectiveList, Field, Operation, Selection, SelectionSet};

use crate::graphql::language::Document;

/// A field, with everything that is selected below its response key.
pub(super) struct Collected<'d> {
    pub(super) key: &'d str,
    /// The first of the fields that it was merged from: where an error in it is reported.
    pub(super) field: &'d Node<Field>,
    pub(super) below: Vec<&'d SelectionSet>,
    /// How many of its arguments the plan has looked at.
    pub(super) arguments_read: Cell<usize>,
}

impl<'d> Collected<'d> {
    pub(super) fn name(&self) -> &'d str {
        self.field.name.as_str()
    }

    /// The name of its objects' type, which may be abstract, or of its scalar.
    pub(super) fn type_name(&self) -> &'d str {
        self.field.definition.ty.inner_named_type().as_str()
    }
}

/// Collects fields of one document, with the conditions' variables decided.
pub(super) struct Collector<'d> {
    pub(super) document: &'d Document,
    /// The values of the variables that conditions have.
    truths: &'d dyn Fn(&str) -> Option<bool>,
}

impl<'d> Collector<'d> {
    pub(super) fn new(document: &'d Document, truths: &'d dyn Fn(&str) -> Option<bool>) -> Self {
        Self { document, truths }
    }

    /// The fields of an object of type `on`; `None` where a condition cannot be decided.
    pub(super) fn fields(&self, sets: &[&'d SelectionSet], on: &str) -> Option<Vec<Collected<'d>>> {
        let mut collection = Collection { fields: Vec::new(), indexes: HashMap::new() };
        for set in sets {
            self.collect(set, on, &mut collection)?;
        }
        Some(collection.fields)
    }

    fn collect(&self, set: &'d SelectionSet, on: &str, into: &mut Collection<'d>) -> Option<()> {
        for selection in &set.selections {
            if !self.is_included(selection.directives())? {
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
                    let fragment = self.document.fragment(&spread.fragment_name)?;
                    if self.applies(fragment.type_condition(), on) {
                        self.collect(&fragment.selection_set, on, into)?;
                    }
                }
            }
        }
        Some(())
    }

    /// Whether an object of type `on` is of the type of a fragment's condition.
    fn applies(&self, condition: &str, on: &str) -> bool {
        condition == on || self.document.schema().is_subtype(condition, on)
    }

    fn is_included(&self, directives: &DirectiveList) -> Option<bool> {
        for directive in directives.iter() {
            let included = match directive.name.as_str() {
                "include" => true,
                "skip" => false,
                _ => continue,
            };
            let value = match &**directive.specified_argument_by_name("if")? {
                Value::Boolean(value) => *value,
                Value::Variable(name) => (self.truths)(name)?,
                _ => return None,
            };
            if value != included {
                return Some(false);
            }
        }
        Some(true)
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
