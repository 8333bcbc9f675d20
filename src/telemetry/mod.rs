//! Telemetry: logs and metrics, without personal data or secrets.

mod build;
mod cluster_metrics;
mod listener_metrics;
mod live_metrics;
mod logs;
mod metrics;
mod process_metrics;

pub use build::Build;
pub use listener_metrics::ListenerMetrics;
pub use live_metrics::LiveMetrics;
pub use logs::{InvalidLog, set_log_level, start_logs};
pub use metrics::Metrics;
pub use process_metrics::ProcessMetrics;
