//! DemoSwitches: how the sample misbehaves, changeable while it runs.

use serde::{Deserialize, Serialize};

use crate::config;

/// How the sample behaves. As JSON the names are in camel case, and what is left out is off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DemoSwitches {
    /// How long it waits before each answer, in milliseconds.
    pub latency_ms: u64,
    /// The share of calls that fail with 500, from 0 to 1, evenly spread.
    pub error_rate: f64,
    /// Every call gets this status instead of an answer.
    pub status: Option<u16>,
    /// With 429: the seconds in `Retry-After`; without, the header is missing.
    pub retry_after_seconds: Option<u64>,
    /// How many calls an hour each token may make; the next gets 429.
    pub plan: Option<u32>,
    /// Whether answers say how much of the plan is left (`X-RateLimit-…`).
    pub rate_limit_headers: bool,
    /// Every answer is wrong in this way.
    pub malformed: Option<InvalidSwitches>,
}

/// The ways an answer can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvalidSwitches {
    /// An HTML page.
    Html,
    /// Nothing.
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
    /// Good rows, and beside them bad ones of every kind.
    BadRows,
    /// A body without end.
    Huge,
    /// Text.
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
            ..Self::default()
        }
    }
}
