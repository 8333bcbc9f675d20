//! The engine's document: a validated operation as async-graphql's own, with its variables filled in.
//!
//! Nothing is parsed or judged a second time: every argument has its coerced value, conditions are decided, and what the
//! typed document answers itself (`__schema` and `__type`) is left out.

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::executable::{Field, Operation, OperationType, Selection, SelectionSet};
use apollo_compiler::parser::SourceSpan;
use async_graphql::parser::types as engine;
use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::ConstValue;

use crate::graphql::language::{ArgumentError, CoercedVariables, Document, coerce_argument, is_included};

/// An operation for async-graphql to execute.
pub(super) struct EngineDocument {
    pub(super) document: engine::ExecutableDocument,
    /// Fields whose arguments cannot be coerced, as response keys from the root: the engine fails there with words of its own.
    pub(super) failures: Vec<(Vec<String>, ArgumentError)>,
    /// Whether there is anything to execute.
    pub(super) has_fields: bool,
}

/// Whether the typed document answers the field: it is about the schema.
pub(super) fn is_meta(field: &Field) -> bool {
    matches!(field.name.as_str(), "__schema" | "__type")
}

impl EngineDocument {
    /// # Errors
    /// A condition's variable is null: nothing can be executed.
    pub(super) fn of(
        document: &Document,
        operation: &Node<Operation>,
        variables: &CoercedVariables,
    ) -> Result<Self, ArgumentError> {
        let mut converter = Converter {
            document,
            variables,
            fragments: HashMap::new(),
            path: Vec::new(),
            failures: Vec::new(),
            has_fields: false,
        };
        let ty = match operation.operation_type {
            OperationType::Query => engine::OperationType::Query,
            OperationType::Mutation => engine::OperationType::Mutation,
            OperationType::Subscription => engine::OperationType::Subscription,
        };
        let selection_set = converter.set(&operation.selection_set, operation.location())?;
        let definition =
            engine::OperationDefinition { ty, variable_definitions: Vec::new(), directives: Vec::new(), selection_set };
        let operation = Positioned::new(definition, document.pos(operation.location()));
        let Converter { fragments, failures, has_fields, .. } = converter;
        Ok(Self {
            document: engine::ExecutableDocument {
                operations: engine::DocumentOperations::Single(operation),
                fragments: fragments.into_iter().filter_map(|(name, fragment)| Some((name, fragment?))).collect(),
            },
            failures,
            has_fields,
        })
    }
}

struct Converter<'d> {
    document: &'d Document,
    variables: &'d CoercedVariables,
    /// Those that were met; `None` while one is converted.
    fragments: HashMap<Name, Option<Positioned<engine::FragmentDefinition>>>,
    path: Vec<String>,
    failures: Vec<(Vec<String>, ArgumentError)>,
    has_fields: bool,
}

impl Converter<'_> {
    fn set(
        &mut self,
        set: &SelectionSet,
        of: Option<SourceSpan>,
    ) -> Result<Positioned<engine::SelectionSet>, ArgumentError> {
        let mut items = Vec::with_capacity(set.selections.len());
        for selection in &set.selections {
            if !is_included(self.document.schema(), selection.directives(), self.variables)? {
                continue;
            }
            let location = match selection {
                Selection::Field(field) => field.location(),
                Selection::InlineFragment(fragment) => fragment.location(),
                Selection::FragmentSpread(spread) => spread.location(),
            };
            let pos = self.document.pos(location);
            let converted = match selection {
                Selection::Field(field) => {
                    let converted = self.field(field, pos)?;
                    if is_meta(field) {
                        continue;
                    }
                    self.has_fields = true;
                    engine::Selection::Field(Positioned::new(converted, pos))
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.type_condition.as_ref();
                    engine::Selection::InlineFragment(Positioned::new(
                        engine::InlineFragment {
                            type_condition: condition.map(|name| self.condition(name)),
                            directives: Vec::new(),
                            selection_set: self.set(&fragment.selection_set, fragment.location())?,
                        },
                        pos,
                    ))
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.fragment_name)?;
                    let fragment_name = positioned(&spread.fragment_name, pos);
                    engine::Selection::FragmentSpread(Positioned::new(
                        engine::FragmentSpread { fragment_name, directives: Vec::new() },
                        pos,
                    ))
                }
            };
            items.push(Positioned::new(converted, pos));
        }
        Ok(Positioned::new(engine::SelectionSet { items }, self.document.pos(of)))
    }

    fn fragment(&mut self, name: &str) -> Result<(), ArgumentError> {
        let key = Name::new(name);
        let Some(fragment) = self.document.fragment(name) else { return Ok(()) };
        // Where arguments fail, each place that the fragment is spread in has a path of its own.
        if self.fragments.contains_key(&key) && self.failures.is_empty() {
            return Ok(());
        }
        self.fragments.entry(key.clone()).or_insert(None);
        let pos = self.document.pos(fragment.location());
        let selection_set = self.set(&fragment.selection_set, fragment.location())?;
        let type_condition = self.condition(fragment.type_condition());
        let definition = engine::FragmentDefinition { type_condition, directives: Vec::new(), selection_set };
        self.fragments.insert(key, Some(Positioned::new(definition, pos)));
        Ok(())
    }

    fn condition(&self, name: &apollo_compiler::Name) -> Positioned<engine::TypeCondition> {
        let pos = self.document.pos(name.location());
        Positioned::new(engine::TypeCondition { on: positioned(name, pos) }, pos)
    }

    fn field(&mut self, field: &Node<Field>, pos: Pos) -> Result<engine::Field, ArgumentError> {
        self.path.push(field.response_name().to_string());
        let mut arguments = Vec::with_capacity(field.arguments.len());
        for definition in &field.definition.arguments {
            let written = field.arguments.iter().find(|argument| argument.name == definition.name);
            let written = written.map(|argument| &argument.value);
            let value = coerce_argument(self.document.schema(), definition, written, self.variables);
            let value = match value {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(error) => {
                    self.failures.push((self.path.clone(), error));
                    unacceptable(definition.ty.is_non_null())
                }
            };
            let pos = self.document.pos(written.and_then(|value| value.location()));
            arguments.push((positioned(&definition.name, pos), Positioned::new(value.into_value(), pos)));
        }
        let selection_set = match &field.selection_set {
            Some(set) => self.set(set, field.location())?,
            None => Positioned::new(engine::SelectionSet { items: Vec::new() }, pos),
        };
        self.path.pop();
        Ok(engine::Field {
            alias: field.alias.as_ref().map(|alias| positioned(alias, pos)),
            name: positioned(&field.name, pos),
            arguments,
            directives: Vec::new(),
            selection_set,
        })
    }
}

/// A value that the engine refuses, of an argument that has none.
fn unacceptable(is_non_null: bool) -> ConstValue {
    if is_non_null { ConstValue::Null } else { ConstValue::Binary(Default::default()) }
}

fn positioned(name: &apollo_compiler::Name, pos: Pos) -> Positioned<Name> {
    Positioned::new(Name::new(name.as_str()), pos)
}
