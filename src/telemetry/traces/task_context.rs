//! The context of a task: the request that its log lines name, and the position in a trace. It is kept with the task,
//! so that stages that log or make calls find it, and those in between need not hand it on.

use std::future::Future;
use std::pin::Pin;

use axum::http::{HeaderName, HeaderValue};
use opentelemetry::TraceId;
use opentelemetry::trace::SpanKind;
use tokio::task::futures::TaskLocalFuture;

use super::context::TraceContext;
use super::record::{SpanRecord, SpanRecorder};
use super::trace::{HeldSpan, Span, Trace};

tokio::task_local! {
    static CURRENT: TaskContext;
}

/// The context of a task. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct TaskContext {
    request: Option<LoggedRequest>,
    trace: Option<Trace>,
}

/// The request that log lines are about.
#[derive(Clone, Debug)]
pub(in crate::telemetry) struct LoggedRequest {
    id: HeaderValue,
    /// The trace that it is part of.
    pub(in crate::telemetry) trace: Option<TraceId>,
}

impl LoggedRequest {
    pub(in crate::telemetry) fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }
}

impl TaskContext {
    /// Work for the request of this id, as this place of a trace.
    #[must_use]
    pub fn of_request(id: HeaderValue, trace: Option<Trace>) -> Self {
        let request = LoggedRequest { id, trace: trace.as_ref().map(Trace::id) };
        Self { request: Some(request), trace }
    }

    /// That of the current task.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_default()
    }

    /// The same, at this place of a trace.
    #[must_use]
    pub fn at(self, trace: Option<Trace>) -> Self {
        Self { trace, ..self }
    }

    /// `work`, for this.
    pub fn scope<F: Future>(self, work: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self, work)
    }

    /// Runs `work` in this context.
    pub fn within<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// The request that the current task's lines name.
    pub(in crate::telemetry) fn logged_request() -> Option<LoggedRequest> {
        CURRENT.try_with(|context| context.request.clone()).ok().flatten()
    }

    /// Reads the current task's place in a trace, where it has one.
    fn trace<T>(read: impl FnOnce(&Trace) -> T) -> Option<T> {
        CURRENT.try_with(|context| context.trace.as_ref().map(read)).ok().flatten()
    }
}

impl Trace {
    /// The one that the current task works for.
    #[must_use]
    pub fn current() -> Option<Self> {
        TaskContext::trace(Clone::clone)
    }

    /// Whether the current task's work is recorded.
    #[must_use]
    pub fn is_recorded() -> bool {
        TaskContext::trace(|trace| trace.record.is_some()).unwrap_or(false)
    }

    /// Where the span of the current task is, where it is recorded.
    #[must_use]
    pub fn recorded() -> Option<TraceContext> {
        TaskContext::trace(|trace| trace.record.as_ref().map(|_| trace.context.clone())).flatten()
    }

    /// Writes into the span of the current task, where it is recorded.
    pub fn write(write: impl FnOnce(&mut SpanRecorder<'_>)) {
        TaskContext::trace(|trace| {
            if let Some(record) = &trace.record {
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
        let record = SpanRecord::begin(&context, parent, SpanKind::Client, name, above.queue.clone());
        Some(Span::new(Self { record: Some(record), context, outgoing: trace.outgoing }))
    }

    /// `work`, as what this span is about, where there is one.
    pub async fn within<T>(span: Option<&Span>, work: Pin<&mut impl Future<Output = T>>) -> T {
        match span {
            Some(span) => TaskContext::current().at(Some(span.trace.clone())).scope(work).await,
            None => work.await,
        }
    }
}
