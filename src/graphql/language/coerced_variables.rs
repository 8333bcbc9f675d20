//! An operation's variables after coercion, by name. Execution, limits and the cache key read them.

use apollo_compiler::Name;
use async_graphql_value::ConstValue;
use smallvec::SmallVec;

use super::representations::SentRepresentations;
use crate::graphql::limits::Given;

/// An operation's variables. One that was not sent and has no default has no entry, which is not the same as null.
#[derive(Clone, Debug, Default)]
pub(in crate::graphql) struct CoercedVariables(SmallVec<[(Name, CoercedValue); 2]>);

/// The value of a variable.
#[derive(Clone, Debug)]
pub(super) enum CoercedValue {
    Value(ConstValue),
    /// A list of them, of which values are made where they are needed.
    Representations(SentRepresentations),
}

impl CoercedValue {
    fn value(&self) -> &ConstValue {
        match self {
            Self::Value(value) => value,
            Self::Representations(list) => list.value(),
        }
    }
}

impl CoercedVariables {
    pub(super) fn new(values: SmallVec<[(Name, CoercedValue); 2]>) -> Self {
        Self(values)
    }

    fn coerced(&self, name: &str) -> Option<&CoercedValue> {
        // There are few.
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(in crate::graphql) fn get(&self, name: &str) -> Option<&ConstValue> {
        self.coerced(name).map(CoercedValue::value)
    }

    /// The value of a variable to measure, of which nothing is made for that.
    pub(in crate::graphql) fn given(&self, name: &str) -> Option<Given<'_>> {
        self.coerced(name).map(|value| match value {
            CoercedValue::Value(value) => Given::Variable(value),
            CoercedValue::Representations(list) => Given::Representations(list.len()),
        })
    }

    /// The representations of a variable that was read as a list of them.
    pub(in crate::graphql) fn representations(&self, name: &str) -> Option<&SentRepresentations> {
        match self.coerced(name)? {
            CoercedValue::Representations(list) => Some(list),
            CoercedValue::Value(_) => None,
        }
    }

    /// The value of a condition's variable; `None` where that is null.
    pub(in crate::graphql) fn truth(&self, name: &str) -> Option<bool> {
        match self.coerced(name) {
            Some(CoercedValue::Value(ConstValue::Boolean(truth))) => Some(*truth),
            _ => None,
        }
    }

    pub(in crate::graphql) fn iter(&self) -> impl Iterator<Item = (&str, &ConstValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.value()))
    }

    /// All of them as JSON: variables of the same text are the same. Representations are written as they were sent, so equal
    /// ones may have several texts.
    pub(in crate::graphql) fn to_json(&self) -> Vec<u8> {
        // Long enough for most, so that it does not grow in steps.
        let mut json = Vec::with_capacity(256);
        json.push(b'{');
        for (n, (name, value)) in self.0.iter().enumerate() {
            // Names need no escapes.
            json.extend_from_slice(if n > 0 { b",\"" } else { b"\"" });
            json.extend_from_slice(name.as_bytes());
            json.extend_from_slice(b"\":");
            match value {
                // Neither values nor vectors fail to be written.
                CoercedValue::Value(value) => drop(serde_json::to_writer(&mut json, value)),
                CoercedValue::Representations(list) => json.extend_from_slice(list.json().as_bytes()),
            }
        }
        json.push(b'}');
        json
    }
}
