//! Telemetry: logs, metrics and traces, without personal data or secrets, and where the audit log is written.

mod audit_log;
mod audit_metrics;
mod audit_target;
mod build;
mod cache_tag_metrics;
mod cluster_metrics;
mod labels;
mod listener_metrics;
mod live_metrics;
mod log_buffer;
mod log_format;
mod log_json;
mod log_plain;
mod log_time;
mod logs;
mod metrics;
mod process_metrics;
mod refusal_history;
mod trace_metrics;
mod traces;

pub use audit_log::{AuditLog, QueueShare, TargetNotTaken};
pub use audit_target::{OpenTarget, UnusableTarget};
pub use build::Build;
pub use cache_tag_metrics::CacheTagMetrics;
pub use listener_metrics::ListenerMetrics;
pub use live_metrics::LiveMetrics;
pub use logs::{InvalidLog, flush_logs, set_log_level, start_logs};
pub use metrics::Metrics;
pub use process_metrics::ProcessMetrics;
pub use trace_metrics::TraceMetrics;
pub use traces::{HeldSpan, Span, SpanRecorder, TaskContext, Trace, TraceContext, TraceSettings, Traces, attribute};
