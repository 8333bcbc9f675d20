//! Variables as they were sent: the text of a JSON object, of which values are made once their types are known.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A request's variables, as JSON.
#[derive(Clone, Debug, Default)]
pub struct Variables(Option<Box<RawValue>>);

impl Variables {
    /// Variables of the text of a JSON object.
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

impl<'de> Deserialize<'de> for Variables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        // Its strings and numbers are looked at, too.
        serde_json::from_str::<Value>(raw.get()).map_err(D::Error::custom)?;
        if raw.get().starts_with('{') { Ok(Self(Some(raw))) } else { Err(D::Error::custom("not an object")) }
    }
}
