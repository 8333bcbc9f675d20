//! Telemetry: logs and metrics, without personal data or secrets.

mod logs;
mod metrics;

pub use logs::{InvalidLog, start_logs};
pub use metrics::Metrics;
