//! The trace that work belongs to, and the spans in it. Which one a task works for is in `task_context`.

use std::sync::Arc;

use opentelemetry::TraceId;

use super::attribute;
use super::context::TraceContext;
use super::record::{SpanRecord, SpanRecorder};

/// A place in a trace. Cheap to clone; of one that is not sampled there are numbers, and nothing else.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(super) context: TraceContext,
    /// The record, if the trace is sampled.
    pub(super) record: Option<Arc<SpanRecord>>,
    /// Whether calls to Flowmatix carry it.
    pub(super) outgoing: bool,
}

impl Trace {
    pub(super) fn new(context: TraceContext, record: Option<Arc<SpanRecord>>, outgoing: bool) -> Self {
        Self { context, record, outgoing }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> TraceId {
        self.context.trace
    }

    /// Where it is.
    #[must_use]
    pub fn context(&self) -> &TraceContext {
        &self.context
    }
}

/// A span that is under way. It ends with this.
#[derive(Debug)]
pub struct Span {
    pub(super) trace: Trace,
    is_over: bool,
}

impl Span {
    pub(super) fn new(trace: Trace) -> Self {
        Self { trace, is_over: false }
    }

    /// Where it is.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Whether it is recorded.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.trace.record.is_some()
    }

    /// Writes into it, where it is recorded.
    pub fn write(&self, write: impl FnOnce(&mut SpanRecorder<'_>)) {
        if let Some(record) = &self.trace.record {
            record.write(write);
        }
    }

    /// Ends it: what it was about is done.
    pub fn end(mut self) {
        self.is_over = true;
    }
}

/// The span of something that goes on after its task, such as a stream. It ends with this.
#[derive(Debug)]
pub struct HeldSpan(pub(super) Arc<SpanRecord>);

impl HeldSpan {
    /// Writes into it.
    pub fn write(&self, write: impl FnOnce(&mut SpanRecorder<'_>)) {
        self.0.write(write);
    }
}

impl Drop for HeldSpan {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(record) = self.trace.record.as_ref().filter(|record| !record.is_held()) else { return };
        if !self.is_over {
            record.write(|span| span.set(attribute::OUTCOME, "cancelled"));
        }
        record.end();
    }
}
