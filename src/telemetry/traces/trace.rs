//! The trace that work belongs to, and the spans in it. It is kept with the task, so that stages which make calls find it, and
//! those in between need not hand it on.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use opentelemetry::trace::SpanKind;

use super::attribute;
use super::context::TraceContext;
use super::record::{Record, SpanRecorder};

tokio::task_local! {
    static CURRENT: Option<Trace>;
}

/// A place in a trace. Cheap to clone; of one that is not sampled there are numbers, and nothing else.
#[derive(Clone, Debug)]
pub struct Trace {
    context: TraceContext,
    /// What is recorded, where it is sampled.
    record: Option<Arc<Record>>,
    /// Whether calls to Flowmatix carry it.
    outgoing: bool,
}

impl Trace {
    pub(super) fn new(context: TraceContext, record: Option<Arc<Record>>, outgoing: bool) -> Self {
        Self { context, record, outgoing }
    }

    /// The one that the current task works for.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok().flatten()
    }

    /// Whether the current task's work is recorded.
    #[must_use]
    pub fn is_recorded() -> bool {
        CURRENT.try_with(|trace| trace.as_ref().is_some_and(|trace| trace.record.is_some())).unwrap_or(false)
    }

    /// Where the span of the current task is, where it is recorded.
    #[must_use]
    pub fn recorded() -> Option<TraceContext> {
        let context = |trace: &Self| trace.record.as_ref().map(|_| trace.context.clone());
        CURRENT.try_with(|trace| trace.as_ref().and_then(context)).ok().flatten()
    }

    /// Writes into the span of the current task, where it is recorded.
    pub fn write(write: impl FnOnce(&mut SpanRecorder<'_>)) {
        let _ = CURRENT.try_with(|trace| {
            if let Some(record) = trace.as_ref().and_then(|trace| trace.record.as_ref()) {
                record.write(write);
            }
        });
    }

    /// Links the span of the current task, where it is recorded, to others.
    pub fn link(others: impl FnOnce() -> Vec<TraceContext>) {
        if Self::is_recorded() {
            let others = others();
            Self::write(|span| others.iter().for_each(|other| span.link(other, false)));
        }
    }

    /// Has the span of the current task, where it is recorded, go on until what is returned is dropped.
    #[must_use]
    pub fn hold() -> Option<HeldSpan> {
        let record = Self::current()?.record?;
        record.hold();
        Some(HeldSpan(record))
    }

    /// The fields that a call of the current task to Flowmatix carries.
    pub fn outgoing() -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        Self::current().filter(|trace| trace.outgoing).into_iter().flat_map(|trace| trace.context.headers())
    }

    /// A span below that of the current task, of work that is done elsewhere; `None` where nothing is recorded.
    #[must_use]
    pub fn call(name: &'static str) -> Option<Span> {
        if !Self::is_recorded() {
            return None;
        }
        let trace = Self::current()?;
        let (above, context) = (trace.record?, trace.context.child());
        let parent = Some((trace.context.span, false));
        let record = Record::begin(&context, parent, SpanKind::Client, name, above.queue.clone());
        Some(Span::new(Self { record: Some(record), context, outgoing: trace.outgoing }))
    }

    /// `work`, as a part of this trace.
    pub async fn scope<T>(trace: Option<Self>, work: impl Future<Output = T>) -> T {
        CURRENT.scope(trace, work).await
    }

    /// `work`, as what this span is about, where there is one.
    pub async fn within<T>(span: Option<&Span>, work: impl Future<Output = T>) -> T {
        match span {
            Some(span) => Self::scope(Some(span.trace.clone()), work).await,
            None => work.await,
        }
    }

    /// Its number.
    pub fn id(&self) -> impl Display + use<> {
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
    trace: Trace,
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
pub struct HeldSpan(Arc<Record>);

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
