//! Introspection: `__schema` and `__type` are answered from the schema that documents are validated against.

use std::collections::HashSet;

use apollo_compiler::executable::{Operation, Selection, SelectionSet};
use apollo_compiler::introspection::partial_execute;
use apollo_compiler::response::{GraphQLError, JsonMap, JsonValue, ResponseDataPathSegment};
use apollo_compiler::validation::Valid;
use async_graphql::{Name, PathSegment, Pos, ServerError};
use async_graphql_value::ConstValue;
use async_graphql_value::indexmap::IndexMap;

use super::engine_document::is_meta;
use crate::graphql::language::{CoercedVariables, Document, is_included};

/// What an operation asks of the schema, by response key, and what went wrong.
pub(super) struct Introspected {
    pub(super) fields: IndexMap<Name, ConstValue>,
    pub(super) errors: Vec<ServerError>,
}

/// Answers the fields of an operation that are about the schema, and `__typename` of its root.
pub(super) fn introspect(document: &Document, operation: &Operation, variables: &CoercedVariables) -> Introspected {
    let json = variables.iter().filter_map(|(name, value)| {
        let value = value.clone().into_json().ok()?;
        Some((name.into(), JsonValue::from(value)))
    });
    let variables = Valid::assume_valid(json.collect::<JsonMap>());
    let executed =
        partial_execute(document.schema(), document.implementers(), document.executable(), operation, &variables);
    match executed {
        Ok(response) => Introspected {
            fields: response
                .data
                .into_iter()
                .flatten()
                .map(|(key, value)| (Name::new(key.as_str()), plain(value)))
                .collect(),
            errors: response.errors.into_iter().map(error).collect(),
        },
        Err(refused) => Introspected {
            fields: IndexMap::new(),
            errors: vec![ServerError::new(refused.message().to_string(), Some(document.pos(refused.location())))],
        },
    }
}

fn plain(value: JsonValue) -> ConstValue {
    match value {
        JsonValue::Null => ConstValue::Null,
        JsonValue::Bool(truth) => ConstValue::Boolean(truth),
        JsonValue::Number(number) => ConstValue::Number(number),
        JsonValue::String(text) => ConstValue::String(text.as_str().to_owned()),
        JsonValue::Array(items) => ConstValue::List(items.into_iter().map(plain).collect()),
        JsonValue::Object(fields) => {
            let field = |(key, value): (apollo_compiler::response::serde_json_bytes::ByteString, _)| {
                (Name::new(key.as_str()), plain(value))
            };
            ConstValue::Object(fields.into_iter().map(field).collect())
        }
    }
}

fn error(error: GraphQLError) -> ServerError {
    let segment = |segment| match segment {
        ResponseDataPathSegment::Field(name) => PathSegment::Field(name.to_string()),
        ResponseDataPathSegment::ListIndex(index) => PathSegment::Index(index),
    };
    let mut converted = ServerError::new(error.message, None);
    converted.locations = error.locations.iter().map(|at| Pos { line: at.line, column: at.column }).collect();
    converted.path = error.path.into_iter().map(segment).collect();
    converted
}

/// Whether an operation asks anything of the schema.
pub(super) fn asks_of_schema(document: &Document, operation: &Operation) -> bool {
    operation.root_fields(document.executable()).any(|field| is_meta(field))
}

/// Puts what the schema and what the engine answered into the order of the operation.
pub(super) fn merge(
    document: &Document,
    operation: &Operation,
    variables: &CoercedVariables,
    mut introspected: IndexMap<Name, ConstValue>,
    mut executed: IndexMap<Name, ConstValue>,
) -> ConstValue {
    let mut keys = Keys { document, variables, seen: HashSet::new(), keys: Vec::new() };
    keys.collect(&operation.selection_set);
    let value = |key: &str| executed.shift_remove(key).or_else(|| introspected.shift_remove(key));
    let mut value = value;
    let ordered = keys.keys.into_iter().filter_map(|key| Some((Name::new(key), value(key)?)));
    ConstValue::Object(ordered.collect())
}

/// The response keys of the root, in order.
struct Keys<'d> {
    document: &'d Document,
    variables: &'d CoercedVariables,
    seen: HashSet<&'d str>,
    keys: Vec<&'d str>,
}

impl<'d> Keys<'d> {
    fn collect(&mut self, set: &'d SelectionSet) {
        for selection in &set.selections {
            if !is_included(self.document.schema(), selection.directives(), self.variables).unwrap_or(false) {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    let key = field.response_name().as_str();
                    if !self.keys.contains(&key) {
                        self.keys.push(key);
                    }
                }
                Selection::InlineFragment(fragment) => self.collect(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    if self.seen.insert(spread.fragment_name.as_str())
                        && let Some(fragment) = self.document.fragment(&spread.fragment_name)
                    {
                        self.collect(&fragment.selection_set);
                    }
                }
            }
        }
    }
}
