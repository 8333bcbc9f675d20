//! The engine's document: a validated operation as async-graphql's own, with its variables filled in.
//!
//! Nothing is parsed or judged a second time: every argument has its coerced value, conditions are decided, fragments stand
//! where they are spread, what fails is marked (`failures`), and what the typed document answers itself (`__schema` and
//! `__type`) is left out.

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::executable::{Field, Operation, OperationType, Selection, SelectionSet};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::ExtendedType;
use async_graphql::parser::types as engine;
use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::ConstValue;

use super::failures::Failures;
use crate::graphql::language::{ArgumentError, CoercedVariables, Document, coerce_argument, is_included};
use crate::graphql::limits::is_introspection;
use crate::model::InvalidPage;

/// An operation for async-graphql to execute.
pub(super) struct EngineDocument {
    pub(super) document: engine::ExecutableDocument,
    pub(super) failures: Failures,
    /// Whether there is anything to execute.
    pub(super) has_fields: bool,
}

/// Whether the typed document answers the field: it is about the schema.
pub(super) fn is_meta(field: &Field) -> bool {
    is_introspection(&field.name)
}

impl EngineDocument {
    pub(super) fn of(document: &Document, operation: &Node<Operation>, variables: &CoercedVariables) -> Self {
        let mut converter = Converter { document, variables, failures: Failures::default() };
        let ty = match operation.operation_type {
            OperationType::Query => engine::OperationType::Query,
            OperationType::Mutation => engine::OperationType::Mutation,
            OperationType::Subscription => engine::OperationType::Subscription,
        };
        let selection_set = converter.set(&operation.selection_set, operation.location());
        let has_fields = !selection_set.node.items.is_empty();
        let definition =
            engine::OperationDefinition { ty, variable_definitions: Vec::new(), directives: Vec::new(), selection_set };
        let operation = Positioned::new(definition, document.pos(operation.location()));
        Self {
            document: engine::ExecutableDocument {
                operations: engine::DocumentOperations::Single(operation),
                fragments: HashMap::new(),
            },
            failures: converter.failures,
            has_fields,
        }
    }
}

struct Converter<'d> {
    document: &'d Document,
    variables: &'d CoercedVariables,
    failures: Failures,
}

impl Converter<'_> {
    fn set(&mut self, set: &SelectionSet, of: Option<SourceSpan>) -> Positioned<engine::SelectionSet> {
        let mut items = Vec::with_capacity(set.selections.len());
        for selection in &set.selections {
            let location = match selection {
                Selection::Field(field) => field.location(),
                Selection::InlineFragment(fragment) => fragment.location(),
                Selection::FragmentSpread(spread) => spread.location(),
            };
            let pos = self.document.pos(location);
            let converted = match is_included(selection.directives(), &|name| self.variables.truth(name)) {
                Ok(true) => match selection {
                    Selection::Field(field) if is_meta(field) => continue,
                    Selection::Field(field) => engine::Selection::Field(Positioned::new(self.field(field, pos), pos)),
                    Selection::InlineFragment(fragment) => {
                        let condition = fragment.type_condition.as_ref();
                        self.fragment(condition, &fragment.selection_set, &set.ty, fragment.location(), pos)
                    }
                    Selection::FragmentSpread(spread) => {
                        let Some(fragment) = self.document.fragment(&spread.fragment_name) else { continue };
                        let condition = Some(fragment.type_condition());
                        self.fragment(condition, &fragment.selection_set, &set.ty, fragment.location(), pos)
                    }
                },
                Ok(false) => continue,
                Err(error) => {
                    let mark = self.failures.selection_set(error);
                    engine::Selection::Field(Positioned::new(marked(&mark, pos), pos))
                }
            };
            items.push(Positioned::new(converted, pos));
        }
        Positioned::new(engine::SelectionSet { items }, self.document.pos(of))
    }

    fn fragment(
        &mut self,
        condition: Option<&apollo_compiler::Name>,
        set: &SelectionSet,
        parent: &apollo_compiler::Name,
        location: Option<SourceSpan>,
        pos: Pos,
    ) -> engine::Selection {
        let condition = condition.filter(|name| !self.always_holds(name, parent));
        let type_condition = condition.map(|name| {
            let pos = self.document.pos(name.location());
            Positioned::new(engine::TypeCondition { on: positioned(name, pos) }, pos)
        });
        let selection_set = self.set(set, location);
        engine::Selection::InlineFragment(Positioned::new(
            engine::InlineFragment { type_condition, directives: Vec::new(), selection_set },
            pos,
        ))
    }

    /// Whether a condition is an abstract type that every value of the parent type belongs to. The engine compares names and would
    /// leave the fragment out.
    fn always_holds(&self, condition: &apollo_compiler::Name, parent: &apollo_compiler::Name) -> bool {
        let schema = self.document.schema();
        let holds = |on: &str| on == condition.as_str() || schema.is_subtype(condition, on);
        let all = || match schema.types.get(parent) {
            Some(ExtendedType::Union(union)) => union.members.iter().all(|member| holds(member)),
            Some(ExtendedType::Interface(_)) => {
                let mut objects =
                    schema.types.values().filter(|on| on.is_object() && schema.is_subtype(parent, on.name()));
                objects.all(|on| holds(on.name()))
            }
            _ => holds(parent),
        };
        match schema.types.get(condition) {
            Some(ExtendedType::Union(_) | ExtendedType::Interface(_)) => all(),
            _ => false,
        }
    }

    fn field(&mut self, field: &Node<Field>, pos: Pos) -> engine::Field {
        let mut arguments = Vec::with_capacity(field.arguments.len());
        for definition in &field.definition.arguments {
            let written = field.arguments.iter().find(|argument| argument.name == definition.name);
            let written = written.map(|argument| &argument.value);
            let pos = self.document.pos(written.and_then(|value| value.location()));
            match coerce_argument(self.document.served_schema(), definition, written, self.variables) {
                // A resolver would refuse it, and the engine report it at the list around the field.
                Ok(Some(ConstValue::Number(length)))
                    if definition.name == "first" && field.definition.ty.is_list() && length.as_i64() < Some(0) =>
                {
                    let message = InvalidPage::Negative("first").to_string();
                    let error = ArgumentError { message, location: field.location() };
                    return marked(&self.failures.field(field, error), pos);
                }
                Ok(Some(value)) => {
                    arguments.push((positioned(&definition.name, pos), Positioned::new(value.into_value(), pos)));
                }
                Ok(None) => {}
                Err(error) => return marked(&self.failures.field(field, error), pos),
            }
        }
        let selection_set = match &field.selection_set {
            Some(set) => self.set(set, field.location()),
            None => Positioned::new(engine::SelectionSet { items: Vec::new() }, pos),
        };
        engine::Field {
            alias: field.alias.as_ref().map(|alias| positioned(alias, pos)),
            name: positioned(&field.name, pos),
            arguments,
            directives: Vec::new(),
            selection_set,
        }
    }
}

fn marked(mark: &str, pos: Pos) -> engine::Field {
    engine::Field {
        alias: Some(Positioned::new(Name::new(mark), pos)),
        name: Positioned::new(Name::new("__typename"), pos),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(engine::SelectionSet { items: Vec::new() }, pos),
    }
}

fn positioned(name: &apollo_compiler::Name, pos: Pos) -> Positioned<Name> {
    Positioned::new(Name::new(name.as_str()), pos)
}
