//! Switches: faults of the sample that can be changed while it runs.

use serde::{Deserialize, Serialize};

use crate::config;

/// The faults of the sample. As JSON the names are in camel case; absent ones are off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DemoSwitches {
    /// The delay before each response, in milliseconds.
    pub latency_ms: u64,
    /// The ratio of calls that fail with 500, from 0 to 1, evenly spread.
    pub error_rate: f64,
    /// The status that every call gets instead of a team.
    pub status: Option<u16>,
    /// With 429: the seconds in `Retry-After`; without, the header is missing.
    pub retry_after_seconds: Option<u64>,
    /// Calls per hour for each token; the next one gets 429.
    pub plan: Option<u32>,
    /// Whether responses have `X-RateLimit-…` headers.
    pub rate_limit_headers: bool,
    /// How often something happens in each team, in milliseconds; 0 for never.
    pub activity_ms: u64,
    /// The kind of malformed response that every call gets.
    pub malformed: Option<InvalidSwitches>,
}

/// The kinds of malformed responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvalidSwitches {
    /// An HTML page.
    Html,
    /// An empty body.
    Empty,
    /// A body that ends in the middle.
    Truncated,
    /// `success: false`, with the code 404.
    SuccessFalse,
    /// `success: false`, with the code 200.
    SuccessFalseNoCode,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// A row that nests 100,000 levels deep.
    Deep,
    /// `data` is an object.
    WrongShape,
    /// Valid rows, with invalid ones of every kind between them.
    BadRows,
    /// An endless body.
    Huge,
    /// Plain text.
    NotJson,
    /// A redirect.
    Redirect,
}

impl From<&config::DemoConfig> for DemoSwitches {
    fn from(settings: &config::DemoConfig) -> Self {
        Self {
            latency_ms: u64::try_from(settings.latency.as_millis()).unwrap_or(u64::MAX),
            error_rate: settings.error_rate,
            plan: settings.plan,
            activity_ms: u64::try_from(settings.activity.as_millis()).unwrap_or(u64::MAX),
            ..Self::default()
        }
    }
}
