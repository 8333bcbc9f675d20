//! An operation's variables after coercion, by name. Execution, limits and the cache key read them.

use apollo_compiler::Name;
use async_graphql_value::ConstValue;
use serde::Serialize;
use serde::ser::SerializeMap;

/// An operation's variables. One that was not sent and has no default has no entry, which is not the same as null.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::graphql) struct CoercedVariables(Vec<(Name, ConstValue)>);

impl CoercedVariables {
    pub(super) fn new(values: Vec<(Name, ConstValue)>) -> Self {
        Self(values)
    }

    pub(in crate::graphql) fn get(&self, name: &str) -> Option<&ConstValue> {
        // There are few.
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The value of a condition's variable; `None` where that is null.
    pub(in crate::graphql) fn truth(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(ConstValue::Boolean(truth)) => Some(*truth),
            _ => None,
        }
    }

    pub(in crate::graphql) fn iter(&self) -> impl Iterator<Item = (&str, &ConstValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl Serialize for CoercedVariables {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name.as_str(), value)?;
        }
        map.end()
    }
}
