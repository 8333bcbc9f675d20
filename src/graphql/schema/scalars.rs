//! The custom scalars of the schema: e-mail addresses, dates and web addresses, each with its input rules.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use crate::graphql::error::Code;
use crate::model;

#[derive(Clone)]
pub(super) struct EmailAddress(pub(super) model::EmailAddress);

/// An e-mail address. As input it is trimmed, and compared without regard to case; as output it is in lower case.
#[Scalar(
    name = "EmailAddress",
    specified_by_url = "https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address"
)]
impl ScalarType for EmailAddress {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(not_a_string());
        };
        model::EmailAddress::parse(text).map(Self).map_err(|error| bad_input(&error.to_string()))
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.as_str().to_owned())
    }
}

#[derive(Clone, Copy)]
pub(super) struct DateTime(pub(super) model::Timestamp);

/// A date and time in UTC, to the millisecond: RFC 3339, for example `2024-04-26T17:10:22.134Z`. Input may have any offset.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(not_a_string());
        };
        let time = model::Timestamp::parse(text);
        time.map(Self).ok_or_else(|| bad_input("not an RFC 3339 date and time"))
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

pub(super) struct Url(pub(super) String);

/// A web address that begins with `https://` or `http://`.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            _ => Err(not_a_string()),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

fn not_a_string<T: async_graphql::InputType>() -> InputValueError<T> {
    bad_input("expected a string")
}

/// The value itself may be personal data, so the message has only the rule.
fn bad_input<T: async_graphql::InputType>(rule: &str) -> InputValueError<T> {
    InputValueError::custom(rule).with_extension("code", Code::BadUserInput.name())
}
