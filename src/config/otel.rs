//! OpenTelemetry's variables, as the environment has them: they are no settings of ours, and `telemetry` knows what they mean.

use std::collections::BTreeMap;

/// The variables whose names begin with `OTEL_`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OtelVariables(BTreeMap<String, String>);

impl OtelVariables {
    /// The value, where it is set and not empty, which means the same to OpenTelemetry.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

impl<'v> FromIterator<(&'v str, &'v str)> for OtelVariables {
    /// Takes those that are OpenTelemetry's.
    fn from_iter<I: IntoIterator<Item = (&'v str, &'v str)>>(variables: I) -> Self {
        let ours = variables.into_iter().filter(|(name, _)| name.starts_with("OTEL_"));
        Self(ours.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// Names only: headers hold secrets.
impl std::fmt::Debug for OtelVariables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
