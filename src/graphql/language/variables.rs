//! Variables: what the request sent, coerced to the types that its operation declares.
//!
//! The rules are the specification's (CoerceVariableValues). Variables belong to their operation: what it does not declare is
//! ignored, and other operations of the document have no say. Messages repeat no values, which may be personal data.

use apollo_compiler::Node;
use apollo_compiler::ast::Type;
use apollo_compiler::executable::{Operation, VariableDefinition};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use async_graphql_value::{ConstValue, indexmap::IndexMap};
use smallvec::SmallVec;

use super::arguments::Literals;
use super::coerced_variables::{CoercedValue, CoercedVariables};
use super::document::Document;
use super::document_errors::{DocumentError, DocumentErrors};
use super::json_value::{JsonValue, JsonValueReader};
use super::representations::SentRepresentations;
use super::scalar_rules::{self, WrittenNumber};
use super::served_schema::ServedSchema;
use crate::graphql::error::Code;

impl Document {
    /// Coerces the variables of one of this document's operations. `given` is the JSON object that was sent.
    ///
    /// # Errors
    /// When a value does not fit its type.
    pub(in crate::graphql) fn coerce_variables(
        &self,
        operation: &Operation,
        given: Option<&str>,
    ) -> Result<CoercedVariables, DocumentErrors> {
        if operation.variables.is_empty() {
            return Ok(CoercedVariables::default());
        }
        let definition = |name: &str| operation.variables.iter().find(|definition| definition.name == name);
        let mut given = given
            .and_then(|text| {
                JsonValueReader::members(text, |reader, name| SentValue::read(reader, definition(name)).map(Some))
            })
            .unwrap_or_default();
        let coercion = Coercion { schema: self.served_schema() };
        let mut errors = Vec::new();
        let mut coerced = SmallVec::with_capacity(operation.variables.len());
        for definition in &operation.variables {
            let sent = given.iter_mut().find(|(name, _)| name == definition.name.as_str());
            let value = match sent.and_then(|(_, value)| value.take()) {
                Some(SentValue::Representations(list)) => Ok(Some(CoercedValue::Representations(list))),
                Some(SentValue::Json(value)) => coercion.variable(definition, Some(&value)),
                None => coercion.variable(definition, None),
            };
            match value {
                Ok(Some(value)) => coerced.push((definition.name.clone(), value)),
                Ok(None) => {}
                Err(message) => {
                    errors.push(DocumentError { message, locations: vec![self.pos(definition.location())] });
                }
            }
        }
        if errors.is_empty() {
            Ok(CoercedVariables::new(coerced))
        } else {
            Err(DocumentErrors { code: Code::BadUserInput, errors })
        }
    }
}

/// A variable's value as it was sent.
enum SentValue<'t> {
    Json(JsonValue<'t>),
    Representations(SentRepresentations),
}

impl<'t> SentValue<'t> {
    fn read(reader: &mut JsonValueReader<'t>, definition: Option<&Node<VariableDefinition>>) -> Option<Self> {
        if definition.is_some_and(|definition| is_representations(&definition.ty)) {
            let start = reader.at;
            if let Some(list) = SentRepresentations::read(reader) {
                return Some(Self::Representations(list));
            }
            reader.at = start;
        }
        reader.value().map(Self::Json)
    }
}

/// Whether a type is a list of representations: every value fits them, but null.
fn is_representations(ty: &Type) -> bool {
    ty.is_list() && matches!(ty.item_type(), Type::NonNullNamed(name) if name == "_Any")
}

/// Coerces values to types of a schema.
struct Coercion<'s> {
    schema: &'s ServedSchema,
}

/// Why a value does not fit its type, and where in its variable it is.
struct UnfitValue {
    path: String,
    reason: String,
}

impl From<String> for UnfitValue {
    fn from(reason: String) -> Self {
        Self { path: String::new(), reason }
    }
}

impl UnfitValue {
    /// The same, below this place.
    fn below(mut self, place: &str) -> Self {
        self.path.insert_str(0, place);
        self
    }
}

impl Coercion<'_> {
    fn variable(
        &self,
        definition: &VariableDefinition,
        sent: Option<&JsonValue<'_>>,
    ) -> Result<Option<CoercedValue>, String> {
        let (name, ty) = (&definition.name, &definition.ty);
        match (sent, &definition.default_value) {
            (None, Some(default)) => {
                let value = Literals::without_variables(self.schema).value(ty, default)?;
                Ok(Some(CoercedValue::Value(value)))
            }
            (None, None) if ty.is_non_null() => {
                Err(format!("Variable \"${name}\" of required type \"{ty}\" was not provided."))
            }
            (None, None) => Ok(None),
            (Some(JsonValue::Null), _) if ty.is_non_null() => {
                Err(format!("Variable \"${name}\" of non-null type \"{ty}\" must not be null."))
            }
            (Some(value), _) => {
                self.value(ty, value).map(CoercedValue::Value).map(Some).map_err(|UnfitValue { path, reason }| {
                    let at = if path.is_empty() { path } else { format!(" at \"{name}{path}\"") };
                    format!("Variable \"${name}\" got an invalid value{at}; {reason}.")
                })
            }
        }
    }

    fn value(&self, ty: &Type, value: &JsonValue<'_>) -> Result<ConstValue, UnfitValue> {
        if let JsonValue::Null = value {
            return if ty.is_non_null() {
                Err(format!("Expected non-nullable type \"{ty}\" not to be null").into())
            } else {
                Ok(ConstValue::Null)
            };
        }
        if ty.is_list() {
            let JsonValue::List(items) = value else {
                // A single value stands for a list of one.
                return Ok(ConstValue::List(vec![self.value(ty.item_type(), value)?]));
            };
            let mut list = Vec::with_capacity(items.len());
            for (n, item) in items.iter().enumerate() {
                let value = self.value(ty.item_type(), item);
                list.push(value.map_err(|unfit| unfit.below(&format!("[{n}]")))?);
            }
            return Ok(ConstValue::List(list));
        }
        let name = ty.inner_named_type();
        match self.schema.schema().types.get(name) {
            Some(ExtendedType::Scalar(_)) => Ok(scalar(name, value)?),
            Some(ExtendedType::Enum(definition)) => match value {
                JsonValue::String(text) => match definition.values.get_key_value(text.as_ref()) {
                    Some((known, _)) => Ok(ConstValue::Enum(self.schema.input_name(known))),
                    None => Err(format!("Value does not exist in \"{name}\" enum").into()),
                },
                _ => Err(format!("Enum \"{name}\" cannot represent non-string value").into()),
            },
            Some(ExtendedType::InputObject(definition)) => self.object(definition, value),
            _ => Err(format!("\"{name}\" is no input type").into()),
        }
    }

    fn object(&self, definition: &InputObjectType, value: &JsonValue<'_>) -> Result<ConstValue, UnfitValue> {
        let JsonValue::Object(members) = value else {
            return Err(format!("Expected type \"{}\" to be an object", definition.name).into());
        };
        let mut fields = IndexMap::with_capacity(members.len());
        for (name, field) in &definition.fields {
            let member = members.iter().find(|(key, _)| key == name.as_str());
            let value = match (member, &field.default_value) {
                (Some((_, value)), _) => {
                    self.value(&field.ty, value).map_err(|unfit| unfit.below(&format!(".{name}")))?
                }
                (None, Some(default)) => Literals::without_variables(self.schema).value(&field.ty, default)?,
                (None, None) if field.ty.is_non_null() => {
                    return Err(format!("Field \"{name}\" of required type \"{}\" was not provided", field.ty).into());
                }
                (None, None) => continue,
            };
            fields.insert(self.schema.input_name(name), value);
        }
        if let Some((unknown, _)) = members.iter().find(|(key, _)| !definition.fields.contains_key(key.as_ref())) {
            return Err(format!("Field \"{unknown}\" is not defined by type \"{}\"", definition.name).into());
        }
        if definition.is_one_of() && (members.len() != 1 || members[0].1 == JsonValue::Null) {
            return Err(format!(
                "Exactly one key must be specified for OneOf type \"{}\", and not be null",
                definition.name
            )
            .into());
        }
        Ok(ConstValue::Object(fields))
    }
}

fn scalar(name: &str, value: &JsonValue<'_>) -> Result<ConstValue, String> {
    match (name, value) {
        ("Int", JsonValue::Number(number)) => scalar_rules::int(WrittenNumber(number)).map_err(str::to_owned),
        ("Int", _) => Err("Int cannot represent a value that is not an integer".to_owned()),
        ("Float", JsonValue::Number(number)) => scalar_rules::float(WrittenNumber(number)).map_err(str::to_owned),
        ("Float", _) => Err("Float cannot represent a value that is no number".to_owned()),
        ("String" | "ID", JsonValue::String(text)) => Ok(ConstValue::String(text.to_string())),
        ("String", _) => Err("String cannot represent a value that is no string".to_owned()),
        ("ID", JsonValue::Number(number)) => {
            WrittenNumber(number).integer().map(|digits| ConstValue::String(digits.into_owned())).ok_or_else(not_an_id)
        }
        ("ID", _) => Err(not_an_id()),
        ("Boolean", JsonValue::Boolean(truth)) => Ok(ConstValue::Boolean(*truth)),
        ("Boolean", _) => Err("Boolean cannot represent a value that is no boolean".to_owned()),
        _ => {
            let value = value.untyped();
            scalar_rules::custom(name, &value)
                .map(|()| value)
                .map_err(|rule| format!("Expected type \"{name}\": {rule}"))
        }
    }
}

fn not_an_id() -> String {
    "ID cannot represent a value that is neither a string nor an integer".to_owned()
}
