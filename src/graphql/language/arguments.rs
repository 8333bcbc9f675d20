//! Arguments: what a valid document says, with its variables, as values of the types that the schema declares.
//!
//! The rules are the specification's (CoerceArgumentValues). What a literal holds has been validated; what remains to go wrong
//! is a variable that is null, or was not sent, where the type allows neither.

use apollo_compiler::ast::{InputValueDefinition, Type, Value};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::{Name, Node};
use async_graphql_value::{ConstValue, indexmap::IndexMap};

use super::coerced_variables::CoercedVariables;
use super::scalar_rules::{self, WrittenNumber};
use super::served_schema::ServedSchema;

/// Why a field cannot be given an argument: an error of that field, not of the request.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::graphql) struct ArgumentError {
    pub(in crate::graphql) message: String,
    pub(in crate::graphql) location: Option<SourceSpan>,
}

/// Coerces one argument of a field or directive. `Ok(None)` is an argument that is absent and has no default.
///
/// # Errors
/// A variable in it has a value that its place does not allow.
pub(in crate::graphql) fn coerce_argument(
    schema: &ServedSchema,
    definition: &InputValueDefinition,
    written: Option<&Node<Value>>,
    variables: &CoercedVariables,
) -> Result<Option<ConstValue>, ArgumentError> {
    let (name, ty) = (&definition.name, &definition.ty);
    let location = written.and_then(|value| value.location());
    let failed = |message: String| ArgumentError { message, location };
    let absent_variable = match written.map(|value| &**value) {
        Some(Value::Variable(variable)) if variables.get(variable).is_none() => Some(variable),
        _ => None,
    };
    let Some(written) = written.filter(|_| absent_variable.is_none()) else {
        return match (&definition.default_value, absent_variable) {
            (Some(default), _) => Literals::without_variables(schema).value(ty, default).map(Some).map_err(failed),
            (None, Some(variable)) if ty.is_non_null() => Err(failed(format!(
                "Argument \"{name}\" of required type \"{ty}\" was provided the variable \"${variable}\" which was not \
                 provided a runtime value."
            ))),
            (None, None) if ty.is_non_null() => {
                Err(failed(format!("Argument \"{name}\" of required type \"{ty}\" was not provided.")))
            }
            (None, _) => Ok(None),
        };
    };
    let mut literals = Literals { schema, variables: Some(variables) };
    match literals.value(ty, written) {
        Ok(ConstValue::Null) if ty.is_non_null() => {
            Err(failed(format!("Argument \"{name}\" of non-null type \"{ty}\" must not be null.")))
        }
        Ok(value) => Ok(Some(value)),
        Err(reason) => Err(failed(format!("Argument \"{name}\" has an invalid value; {reason}."))),
    }
}

/// Coerces a literal in an input object to the type of its field; `None` where it does not fit.
pub(in crate::graphql) fn coerce_field(
    schema: &ServedSchema,
    (object, field): (&str, &str),
    written: &Node<Value>,
    variables: &CoercedVariables,
) -> Option<ConstValue> {
    let definition = schema.schema().get_input_object(object)?.fields.get(field)?;
    Literals { schema, variables: Some(variables) }.value(&definition.ty, written).ok()
}

/// Coerces literals.
pub(super) struct Literals<'s> {
    schema: &'s ServedSchema,
    /// `None` where no variables may be: in defaults.
    variables: Option<&'s CoercedVariables>,
}

impl<'s> Literals<'s> {
    pub(super) fn without_variables(schema: &'s ServedSchema) -> Self {
        Self { schema, variables: None }
    }

    fn variable(&self, name: &str) -> Option<&'s ConstValue> {
        self.variables?.get(name)
    }

    pub(super) fn value(&mut self, ty: &Type, value: &Node<Value>) -> Result<ConstValue, String> {
        let null = || match ty.is_non_null() {
            true => Err(format!("expected a value of type \"{ty}\", found null")),
            false => Ok(ConstValue::Null),
        };
        match &**value {
            Value::Null => return null(),
            // It has been coerced to its own type, which fits here.
            Value::Variable(name) => {
                return match self.variable(name) {
                    None | Some(ConstValue::Null) => null(),
                    Some(value) => Ok(value.clone()),
                };
            }
            _ => {}
        }
        if ty.is_list() {
            let item_type = ty.item_type();
            let items = match &**value {
                Value::List(items) => items.iter().map(|item| self.value(item_type, item)).collect(),
                // A single value stands for a list of one.
                _ => self.value(item_type, value).map(|item| vec![item]),
            };
            return items.map(ConstValue::List);
        }
        let name = ty.inner_named_type();
        match self.schema.schema().types.get(name) {
            Some(ExtendedType::InputObject(definition)) => self.object(definition, value),
            Some(ExtendedType::Enum(_)) => match &**value {
                Value::Enum(name) => Ok(ConstValue::Enum(self.schema.input_name(name))),
                _ => Err(format!("expected a value of type \"{name}\"")),
            },
            _ => self.scalar(name, value),
        }
    }

    fn object(&mut self, definition: &InputObjectType, value: &Node<Value>) -> Result<ConstValue, String> {
        let Value::Object(written) = &**value else {
            return Err(format!("expected a value of type \"{}\"", definition.name));
        };
        let mut fields = IndexMap::with_capacity(written.len());
        for (name, field) in &definition.fields {
            let member = written.iter().find(|(key, _)| key == name).map(|(_, value)| value);
            // A variable without a value is a field that was left out.
            let member = member.filter(|value| match &***value {
                Value::Variable(variable) => self.variable(variable).is_some(),
                _ => true,
            });
            let value = match (member, &field.default_value) {
                (Some(value), _) => self.value(&field.ty, value),
                (None, Some(default)) => Literals::without_variables(self.schema).value(&field.ty, default),
                (None, None) if field.ty.is_non_null() => {
                    Err(format!("a value of type \"{}\" was not provided", field.ty))
                }
                (None, None) => continue,
            };
            let value = value.map_err(|reason| format!("in field \"{name}\": {reason}"))?;
            fields.insert(self.schema.input_name(name), value);
        }
        if definition.is_one_of() && (fields.len() != 1 || fields.values().any(|value| *value == ConstValue::Null)) {
            return Err(format!("exactly one field of \"{}\" must have a value", definition.name));
        }
        Ok(ConstValue::Object(fields))
    }

    fn scalar(&mut self, name: &Name, value: &Node<Value>) -> Result<ConstValue, String> {
        match (name.as_str(), &**value) {
            ("Int", Value::Int(number)) => scalar_rules::int(WrittenNumber(number.as_str())).map_err(str::to_owned),
            ("Float", Value::Int(number)) => scalar_rules::float(WrittenNumber(number.as_str())).map_err(str::to_owned),
            ("Float", Value::Float(number)) => {
                scalar_rules::float(WrittenNumber(number.as_str())).map_err(str::to_owned)
            }
            ("String" | "ID", Value::String(text)) => Ok(ConstValue::String(text.clone())),
            ("ID", Value::Int(number)) => Ok(ConstValue::String(number.as_str().to_owned())),
            ("Boolean", Value::Boolean(truth)) => Ok(ConstValue::Boolean(*truth)),
            ("Int" | "Float" | "String" | "ID" | "Boolean", _) => Err(format!("expected a value of type \"{name}\"")),
            _ => {
                let value = untyped(value, self.variables);
                scalar_rules::custom(name, &value)
                    .map(|()| value)
                    .map_err(|rule| format!("expected a value of type \"{name}\": {rule}"))
            }
        }
    }
}

/// The value of a literal for a scalar that takes any, with the variables where there may be any.
pub(super) fn untyped(value: &Value, variables: Option<&CoercedVariables>) -> ConstValue {
    let variable = |name: &str| variables?.get(name);
    match value {
        Value::Null => ConstValue::Null,
        Value::Variable(name) => variable(name).cloned().unwrap_or_default(),
        Value::Boolean(truth) => ConstValue::Boolean(*truth),
        Value::Int(number) => WrittenNumber(number.as_str()).untyped(),
        Value::Float(number) => WrittenNumber(number.as_str()).untyped(),
        Value::String(text) => ConstValue::String(text.clone()),
        // As it would come in JSON.
        Value::Enum(name) => ConstValue::String(name.to_string()),
        Value::List(items) => ConstValue::List(items.iter().map(|item| untyped(item, variables)).collect()),
        Value::Object(fields) => {
            let given = fields.iter().filter(|(_, value)| match &**value {
                Value::Variable(name) => variable(name).is_some(),
                _ => true,
            });
            let field = |(name, value): &(Name, Node<Value>)| {
                (async_graphql::Name::new(name.as_str()), untyped(value, variables))
            };
            ConstValue::Object(given.map(field).collect())
        }
    }
}
