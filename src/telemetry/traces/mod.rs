//! Traces: which work is part of which, over OTLP, without personal data or secrets.
//!
//! A request's trace is found by what works for it ([`TaskContext`]), and is sampled or not before anything is recorded.

mod attributes;
mod context;
mod encoded_list;
mod export;
mod queue;
mod record;
mod sampling;
mod settings;
mod task_context;
mod trace;
mod tracer;
mod transport;
mod trusted;

pub use attributes::attribute;
pub use context::TraceContext;
pub use record::SpanRecorder;
pub use settings::TraceSettings;
pub use task_context::TaskContext;
pub use trace::{HeldSpan, Span, Trace};
pub use tracer::Traces;
