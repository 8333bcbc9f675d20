//! Variables as they were sent: the text of a JSON object, of which values are made once their types are known.

use serde_json::Value;
use serde_json::value::RawValue;

/// A request's variables, as JSON.
#[derive(Clone, Debug, Default)]
pub struct Variables(Option<Box<RawValue>>);

impl Variables {
    /// Variables of the text of a JSON object in which no key comes twice and every number is finite, as the transport has
    /// checked.
    #[must_use]
    pub fn new(object: Option<Box<RawValue>>) -> Self {
        Self(object)
    }

    /// Variables of a JSON object.
    #[must_use]
    pub fn from_json(object: Value) -> Self {
        Self(serde_json::value::to_raw_value(&object).ok())
    }

    pub(in crate::graphql) fn text(&self) -> Option<&str> {
        self.0.as_deref().map(RawValue::get)
    }
}
