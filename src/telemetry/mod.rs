//! What the process tells about itself: logs and metrics. Nothing personal, nothing secret.

mod logs;
mod metrics;

pub use logs::{InvalidLog, start_logs};
pub use metrics::Metrics;
