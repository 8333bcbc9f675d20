//! The input rules of the scalars: GraphQL's own, and the schema's.
//!
//! A value is judged by the same rule whether it was written in the document or sent as a variable.

use std::borrow::Cow;

use async_graphql::Value;
use async_graphql_value::Number;

use crate::model::{EmailAddress, Timestamp};

/// A number as it was written, in a document or in JSON.
#[derive(Clone, Copy)]
pub(super) struct WrittenNumber<'t>(pub(super) &'t str);

impl<'t> WrittenNumber<'t> {
    /// The digits of a number without a fraction, however long: `5`, `5.0` and `5e0` are the same.
    pub(super) fn integer(self) -> Option<Cow<'t, str>> {
        if !self.0.contains(['.', 'e', 'E']) {
            return Some(Cow::Borrowed(if self.0 == "-0" { "0" } else { self.0 }));
        }
        let number = self.float()?;
        // Adding a zero makes one of a negative zero.
        (number.fract() == 0.0).then(|| format!("{:.0}", number + 0.0).into())
    }

    fn float(self) -> Option<f64> {
        self.0.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The number as a value that a scalar of no known rule takes.
    pub(super) fn untyped(self) -> Value {
        match self.integer() {
            Some(digits) => match (digits.parse::<i64>(), digits.parse::<u64>()) {
                (Ok(number), _) => Value::from(number),
                (_, Ok(number)) => Value::from(number),
                // No number of the engine's holds it; its digits do.
                _ => Value::String(digits.into_owned()),
            },
            None => self.float().and_then(Number::from_f64).map_or(Value::Null, Value::Number),
        }
    }
}

/// An `Int`.
pub(super) fn int(number: WrittenNumber<'_>) -> Result<Value, &'static str> {
    let digits = number.integer().ok_or("Int cannot represent a value that is not an integer")?;
    let number = digits.parse::<i32>();
    number.map(Value::from).map_err(|_| "Int cannot represent a value that is no 32-bit signed integer")
}

/// A `Float`.
pub(super) fn float(number: WrittenNumber<'_>) -> Result<Value, &'static str> {
    let number = number.float().and_then(Number::from_f64);
    number.map(Value::Number).ok_or("Float cannot represent a value that is no finite number")
}

/// A value of one of the schema's own scalars. Those that are not known here take anything.
pub(super) fn custom(name: &str, value: &Value) -> Result<(), String> {
    let text = match (name, value) {
        ("EmailAddress" | "DateTime" | "URL", Value::String(text)) => text,
        ("EmailAddress" | "DateTime" | "URL", _) => return Err("expected a string".to_owned()),
        _ => return Ok(()),
    };
    match name {
        "EmailAddress" => EmailAddress::parse(text).map(drop).map_err(|error| error.to_string()),
        "DateTime" => Timestamp::parse(text).map(drop).ok_or_else(|| "not an RFC 3339 date and time".to_owned()),
        _ => Ok(()),
    }
}
