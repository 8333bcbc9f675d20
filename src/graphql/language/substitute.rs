//! Arguments, as written, become values: their variables are substitute_borrowed in.

use std::borrow::Cow;

use async_graphql::Variables;
use async_graphql_value::{ConstValue, Value};

/// The argument's value; a whole variable's is borrowed. `None` where a variable in it has no value.
pub(in crate::graphql) fn substitute_borrowed<'v>(
    argument: &Value,
    variables: &'v Variables,
) -> Option<Cow<'v, ConstValue>> {
    match argument {
        Value::Variable(name) => variables.get(name).map(Cow::Borrowed),
        written => substitute(written, variables).map(Cow::Owned),
    }
}

fn substitute(value: &Value, variables: &Variables) -> Option<ConstValue> {
    Some(match value {
        Value::Variable(name) => variables.get(name)?.clone(),
        Value::Null => ConstValue::Null,
        Value::Number(number) => ConstValue::Number(number.clone()),
        Value::String(text) => ConstValue::String(text.clone()),
        Value::Boolean(truth) => ConstValue::Boolean(*truth),
        Value::Binary(bytes) => ConstValue::Binary(bytes.clone()),
        Value::Enum(name) => ConstValue::Enum(name.clone()),
        Value::List(list) => {
            ConstValue::List(list.iter().map(|value| substitute(value, variables)).collect::<Option<_>>()?)
        }
        Value::Object(fields) => {
            let field =
                |(name, value): (&async_graphql::Name, &Value)| Some((name.clone(), substitute(value, variables)?));
            ConstValue::Object(fields.iter().map(field).collect::<Option<_>>()?)
        }
    })
}
