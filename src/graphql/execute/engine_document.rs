//! The engine's document: a validated operation as async-graphql's own, with its variables filled in.
//!
//! Nothing is parsed or judged a second time: every argument has its coerced value, conditions are decided, and what the
//! typed document answers itself (`__schema` and `__type`) is left out.

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::executable::{Field, Operation, OperationType, Selection, SelectionSet};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::ExtendedType;
use async_graphql::parser::types as engine;
use async_graphql::{Name, PathSegment, Pos, Positioned, Response, ServerError};
use async_graphql_value::ConstValue;

use crate::graphql::language::{ArgumentError, CoercedVariables, Document, coerce_argument, is_included};

/// An operation for async-graphql to execute.
pub(super) struct EngineDocument {
    pub(super) document: engine::ExecutableDocument,
    /// The engine answers these fields with the name of a type.
    pub(super) failures: Failures,
    /// Whether there is anything to execute.
    pub(super) has_fields: bool,
}

/// Fields whose arguments cannot be coerced.
#[derive(Default)]
pub(super) struct Failures(Vec<Failure>);

struct Failure {
    /// Response keys from the root.
    path: Vec<String>,
    error: ArgumentError,
    is_non_null: bool,
}

impl Failures {
    /// Puts the errors into an answer, each with null where its field is.
    pub(super) fn apply(&self, document: &Document, response: &mut Response) {
        for failure in &self.0 {
            let mut places = Vec::new();
            nullify(&mut response.data, &failure.path, &mut Vec::new(), &mut places);
            for path in places {
                // The introspection has said so in words of its own.
                response.errors.retain(|error| error.path != path);
                let mut error = ServerError::new(&failure.error.message, Some(document.pos(failure.error.location)));
                error.path = path;
                response.errors.push(error);
            }
            // Only a root field can be meant: all others that have arguments are nullable.
            if failure.is_non_null {
                response.data = ConstValue::Null;
            }
        }
    }
}

/// Sets what is at a path to null, in each item of the lists on the way, and tells where that was.
fn nullify(data: &mut ConstValue, keys: &[String], path: &mut Vec<PathSegment>, places: &mut Vec<Vec<PathSegment>>) {
    match (data, keys) {
        (ConstValue::List(items), _) => {
            for (n, item) in items.iter_mut().enumerate() {
                path.push(PathSegment::Index(n));
                nullify(item, keys, path, places);
                path.pop();
            }
        }
        (ConstValue::Object(fields), [key, below @ ..]) => {
            let Some(value) = fields.get_mut(key.as_str()) else { return };
            path.push(PathSegment::Field(key.clone()));
            if below.is_empty() {
                *value = ConstValue::Null;
                places.push(path.clone());
            } else {
                nullify(value, below, path, places);
            }
            path.pop();
        }
        _ => {}
    }
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
            failures: Failures(failures),
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
    failures: Vec<Failure>,
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
                    // Not what is below a field that is left out.
                    self.has_fields |= self.path.is_empty();
                    engine::Selection::Field(Positioned::new(converted, pos))
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.type_condition.as_ref().filter(|name| !self.always_holds(name, &set.ty));
                    engine::Selection::InlineFragment(Positioned::new(
                        engine::InlineFragment {
                            type_condition: condition.map(|name| self.condition(name)),
                            directives: Vec::new(),
                            selection_set: self.set(&fragment.selection_set, fragment.location())?,
                        },
                        pos,
                    ))
                }
                Selection::FragmentSpread(spread) => match self.document.fragment(&spread.fragment_name) {
                    Some(fragment) if self.always_holds(fragment.type_condition(), &set.ty) => {
                        let fragment = fragment.clone();
                        let selection_set = self.set(&fragment.selection_set, fragment.location())?;
                        engine::Selection::InlineFragment(Positioned::new(
                            engine::InlineFragment { type_condition: None, directives: Vec::new(), selection_set },
                            pos,
                        ))
                    }
                    _ => {
                        self.fragment(&spread.fragment_name)?;
                        let fragment_name = positioned(&spread.fragment_name, pos);
                        engine::Selection::FragmentSpread(Positioned::new(
                            engine::FragmentSpread { fragment_name, directives: Vec::new() },
                            pos,
                        ))
                    }
                },
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

    /// Whether a condition is a union that every value of the parent type belongs to. The engine compares names and would
    /// leave the fragment out.
    fn always_holds(&self, condition: &apollo_compiler::Name, parent: &apollo_compiler::Name) -> bool {
        match self.document.schema().types.get(condition) {
            Some(ExtendedType::Union(union)) => condition == parent || union.members.contains(parent),
            _ => false,
        }
    }

    fn condition(&self, name: &apollo_compiler::Name) -> Positioned<engine::TypeCondition> {
        let pos = self.document.pos(name.location());
        Positioned::new(engine::TypeCondition { on: positioned(name, pos) }, pos)
    }

    fn field(&mut self, field: &Node<Field>, pos: Pos) -> Result<engine::Field, ArgumentError> {
        self.path.push(field.response_name().to_string());
        let mut arguments = Vec::with_capacity(field.arguments.len());
        let mut failed = None;
        for definition in &field.definition.arguments {
            let written = field.arguments.iter().find(|argument| argument.name == definition.name);
            let written = written.map(|argument| &argument.value);
            let value = coerce_argument(self.document.schema(), definition, written, self.variables);
            let value = match value {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            let pos = self.document.pos(written.and_then(|value| value.location()));
            arguments.push((positioned(&definition.name, pos), Positioned::new(value.into_value(), pos)));
        }
        if let Some(error) = failed {
            // Fields that are merged fail as one.
            if !self.failures.iter().any(|failure| failure.path == self.path) {
                let is_non_null = field.definition.ty.is_non_null();
                self.failures.push(Failure { path: self.path.clone(), error, is_non_null });
            }
            self.path.pop();
            return Ok(engine::Field {
                alias: Some(positioned(field.response_name(), pos)),
                name: Positioned::new(Name::new("__typename"), pos),
                arguments: Vec::new(),
                directives: Vec::new(),
                selection_set: Positioned::new(engine::SelectionSet { items: Vec::new() }, pos),
            });
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

fn positioned(name: &apollo_compiler::Name, pos: Pos) -> Positioned<Name> {
    Positioned::new(Name::new(name.as_str()), pos)
}
