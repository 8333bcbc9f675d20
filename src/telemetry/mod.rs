//! Telemetry: logs and metrics, without personal data or secrets.

mod listener_metrics;
mod live_metrics;
mod logs;
mod metrics;

pub use listener_metrics::ListenerMetrics;
pub use live_metrics::LiveMetrics;
pub use logs::{InvalidLog, start_logs};
pub use metrics::Metrics;
