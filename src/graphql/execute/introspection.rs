//! Introspection: `__schema` and `__type` are answered from the schema that documents are validated against.

use apollo_compiler::executable::Operation;
use apollo_compiler::introspection::partial_execute;
use apollo_compiler::response::serde_json_bytes::ByteString;
use apollo_compiler::response::{GraphQLError, JsonMap, JsonValue, ResponseDataPathSegment};
use apollo_compiler::validation::Valid;
use async_graphql::{Name, PathSegment, ServerError};
use async_graphql_value::ConstValue;
use async_graphql_value::indexmap::IndexMap;

use super::engine_document::is_meta;
use crate::graphql::language::{ArgumentError, CoercedVariables, Document, coerce_argument};
use crate::graphql::plan::collect::Collector;

/// The introspection fields of an operation, by response key, and their errors.
pub(super) struct Introspected {
    /// `None` where something failed that may not be null.
    pub(super) data: Option<IndexMap<Name, ConstValue>>,
    pub(super) errors: Vec<ServerError>,
}

/// Answers the fields of an operation that are about the schema, and `__typename` of its root.
pub(super) fn introspect(document: &Document, operation: &Operation, variables: &CoercedVariables) -> Introspected {
    let json = variables.iter().filter_map(|(name, value)| {
        let value = value.clone().into_json().ok()?;
        Some((name.into(), JsonValue::from(value)))
    });
    let values = Valid::assume_valid(json.collect::<JsonMap>());
    let executed =
        partial_execute(document.schema(), document.implementers(), document.executable(), operation, &values);
    match executed {
        Ok(response) => Introspected {
            data: response.data.map(|fields| fields.into_iter().map(field).collect()),
            errors: response.errors.into_iter().map(|error| explain(document, operation, variables, error)).collect(),
        },
        Err(refused) => Introspected {
            data: Some(IndexMap::new()),
            errors: vec![ServerError::new(refused.message().to_string(), Some(document.pos(refused.location())))],
        },
    }
}

fn field((key, value): (ByteString, JsonValue)) -> (Name, ConstValue) {
    (Name::new(key.as_str()), plain(value))
}

fn plain(value: JsonValue) -> ConstValue {
    match value {
        JsonValue::Null => ConstValue::Null,
        JsonValue::Bool(truth) => ConstValue::Boolean(truth),
        JsonValue::Number(number) => ConstValue::Number(number),
        JsonValue::String(text) => ConstValue::String(text.as_str().to_owned()),
        JsonValue::Array(items) => ConstValue::List(items.into_iter().map(plain).collect()),
        JsonValue::Object(fields) => ConstValue::Object(fields.into_iter().map(field).collect()),
    }
}

/// The introspection's error in our words, and where it is in the text.
fn explain(
    document: &Document,
    operation: &Operation,
    variables: &CoercedVariables,
    error: GraphQLError,
) -> ServerError {
    let cause = cause(document, operation, variables, &error.path);
    let mut explained = match cause {
        Some(cause) => ServerError::new(cause.message, Some(document.pos(cause.location))),
        None => ServerError::new(error.message, None),
    };
    let segment = |segment| match segment {
        ResponseDataPathSegment::Field(name) => PathSegment::Field(name.to_string()),
        ResponseDataPathSegment::ListIndex(index) => PathSegment::Index(index),
    };
    explained.path = error.path.into_iter().map(segment).collect();
    explained
}

/// The cause of an error, from the field or the selection set that its path leads to: an argument, or a condition that
/// is null.
fn cause(
    document: &Document,
    operation: &Operation,
    variables: &CoercedVariables,
    path: &[ResponseDataPathSegment],
) -> Option<ArgumentError> {
    let truths = |name: &str| variables.truth(name);
    let collector = Collector::new(document, &truths);
    let (mut sets, mut of) = (vec![&operation.selection_set], operation.object_type().as_str());
    let mut last = None;
    for segment in path {
        let ResponseDataPathSegment::Field(key) = segment else { continue };
        let mut field = collector.fields(&sets, of).ok()?.into_iter().find(|field| field.key == key.as_str())?;
        (sets, of) = (std::mem::take(&mut field.below), field.type_name());
        last = Some(field.field);
    }
    let field = last?;
    let argument = field.definition.arguments.iter().find_map(|definition| {
        let written = field.specified_argument_by_name(&definition.name);
        coerce_argument(document.served_schema(), definition, written, variables).err()
    });
    argument.or_else(|| collector.fields(&sets, of).err())
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
    let truths = |name: &str| variables.truth(name);
    let fields = Collector::new(document, &truths).fields(&[&operation.selection_set], operation.object_type());
    // A condition of the root that is null has been refused before.
    let ordered = fields.unwrap_or_default().into_iter().filter_map(|field| {
        let value = executed.shift_remove(field.key).or_else(|| introspected.shift_remove(field.key));
        Some((Name::new(field.key), value?))
    });
    ConstValue::Object(ordered.collect())
}
