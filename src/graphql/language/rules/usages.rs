//! Every value that an operation uses, with the type that its place expects.

use std::collections::HashSet;

use apollo_compiler::ast::{Directive, InputValueDefinition, Type, Value};
use apollo_compiler::executable::{Argument, Operation, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{ExecutableDocument, Name, Node, Schema};

/// A value in a document.
pub(super) struct Usage<'d> {
    pub(super) value: &'d Node<Value>,
    /// The expected type; `None` inside a scalar that takes anything.
    pub(super) expected: Option<&'d Type>,
    /// Whether its place has a default.
    pub(super) has_default: bool,
}

/// Visits the values of an operation, those inside others too: of its directives, of the defaults of its variables, and of
/// the arguments of everything that it selects. Each fragment is visited once.
pub(super) fn visit<'d>(
    schema: &'d Schema,
    document: &'d ExecutableDocument,
    operation: &'d Operation,
    visit: &mut dyn FnMut(Usage<'d>),
) {
    let mut visitor = Visitor { schema, document, seen: HashSet::new(), visit };
    visitor.directives(&operation.directives);
    for variable in &operation.variables {
        visitor.directives(&variable.directives);
        if let Some(default) = &variable.default_value {
            visitor.value(default, Some(&variable.ty), false);
        }
    }
    visitor.selections(&operation.selection_set);
}

struct Visitor<'d, 'v> {
    schema: &'d Schema,
    document: &'d ExecutableDocument,
    seen: HashSet<&'d Name>,
    visit: &'v mut dyn FnMut(Usage<'d>),
}

impl<'d> Visitor<'d, '_> {
    fn selections(&mut self, set: &'d SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments, &field.definition.arguments);
                    if let Some(set) = &field.selection_set {
                        self.selections(set);
                    }
                }
                Selection::InlineFragment(fragment) => self.selections(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                        && self.seen.insert(&spread.fragment_name)
                    {
                        self.directives(&fragment.directives);
                        self.selections(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &'d [Node<Directive>]) {
        for directive in directives {
            if let Some(definition) = self.schema.directive_definitions.get(&directive.name) {
                self.arguments(&directive.arguments, &definition.arguments);
            }
        }
    }

    fn arguments(&mut self, arguments: &'d [Node<Argument>], definitions: &'d [Node<InputValueDefinition>]) {
        for argument in arguments {
            if let Some(definition) = definitions.iter().find(|definition| definition.name == argument.name) {
                self.value(&argument.value, Some(&definition.ty), definition.default_value.is_some());
            }
        }
    }

    fn value(&mut self, value: &'d Node<Value>, expected: Option<&'d Type>, has_default: bool) {
        (self.visit)(Usage { value, expected, has_default });
        match &**value {
            Value::List(items) => {
                let item = expected.filter(|ty| ty.is_list()).map(|ty| ty.item_type());
                items.iter().for_each(|value| self.value(value, item, false));
            }
            Value::Object(fields) => {
                let definition = expected.and_then(|ty| match self.schema.types.get(ty.inner_named_type())? {
                    ExtendedType::InputObject(definition) => Some(definition),
                    _ => None,
                });
                for (name, value) in fields {
                    let field = definition.and_then(|definition| definition.fields.get(name));
                    let has_default = field.is_some_and(|field| field.default_value.is_some());
                    self.value(value, field.map(|field| &*field.ty), has_default);
                }
            }
            _ => {}
        }
    }
}
