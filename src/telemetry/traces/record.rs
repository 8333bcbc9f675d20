//! The record of a sampled span, from when it begins until it ends and goes into the queue.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{Link, SpanId, SpanKind, Status};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;
use parking_lot::Mutex;

use super::attribute;
use super::context::TraceContext;
use super::queue::SpanQueue;

/// The most links of a span.
const LINKS_LIMIT: usize = 128;

/// The record of a span.
#[derive(Debug)]
pub(super) struct SpanRecord {
    /// Gone when it has ended.
    data: Mutex<Option<SpanData>>,
    /// Whether it goes on after its task.
    is_held: AtomicBool,
    pub(super) queue: Arc<SpanQueue>,
}

/// Writes into a span.
pub struct SpanRecorder<'s>(&'s mut SpanData);

impl SpanRecord {
    /// Begins a span; `parent` is another process's where `is_remote` says so.
    pub(super) fn begin(
        context: &TraceContext,
        parent: Option<(SpanId, bool)>,
        kind: SpanKind,
        name: &'static str,
        queue: Arc<SpanQueue>,
    ) -> Arc<Self> {
        let now = opentelemetry::time::now();
        let (parent_span_id, parent_span_is_remote) = parent.unwrap_or((SpanId::INVALID, false));
        let data = SpanData {
            span_context: context.library(false),
            parent_span_id,
            parent_span_is_remote,
            span_kind: kind,
            name: Cow::Borrowed(name),
            start_time: now,
            end_time: now,
            attributes: Vec::with_capacity(16),
            dropped_attributes_count: 0,
            events: Default::default(),
            links: Default::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
        };
        Arc::new(Self { data: Mutex::new(Some(data)), is_held: AtomicBool::new(false), queue })
    }

    /// Has it go on after its task.
    pub(super) fn hold(&self) {
        self.is_held.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Relaxed)
    }

    /// Writes into the span, unless it has ended.
    pub(super) fn write(&self, write: impl FnOnce(&mut SpanRecorder<'_>)) {
        if let Some(data) = self.data.lock().as_mut() {
            write(&mut SpanRecorder(data));
        }
    }

    /// Ends the span. What comes later is not recorded.
    pub(super) fn end(&self) {
        if let Some(mut data) = self.data.lock().take() {
            data.end_time = opentelemetry::time::now();
            self.queue.push(data);
        }
    }
}

impl SpanRecorder<'_> {
    /// Sets an attribute.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.attributes.iter_mut().find(|known| known.key.as_str() == key) {
            Some(known) => known.value = value,
            None => self.0.attributes.push(KeyValue::new(key, value)),
        }
    }

    /// Says which operation of GraphQL it is about. Names of operations are their clients', and there may be any number of them: the
    /// span's own name is the kind.
    pub fn operation(&mut self, kind: &'static str, name: Option<&str>) {
        self.name(kind);
        self.set(attribute::OPERATION_TYPE, kind);
        if let Some(name) = name {
            self.set(attribute::OPERATION_NAME, name.to_owned());
        }
    }

    /// Names the span anew. There are few names.
    pub fn name(&mut self, name: impl Into<Cow<'static, str>>) {
        self.0.name = name.into();
    }

    /// Marks the span as failed, for this reason, where there is a better one than its status.
    pub fn fail(&mut self, why: Option<&'static str>) {
        if let Some(why) = why {
            self.set(attribute::ERROR_TYPE, why);
        }
        self.0.status = Status::Error { description: Cow::Borrowed("") };
    }

    /// Names another span that this one has to do with.
    pub(super) fn link(&mut self, other: &TraceContext, is_remote: bool) {
        let links = &mut self.0.links;
        let known = links.links.iter().any(|link| link.span_context.span_id() == other.span);
        if known {
            return;
        }
        if links.links.len() < LINKS_LIMIT {
            links.links.push(Link::new(other.library(is_remote), Vec::new(), 0));
        } else {
            links.dropped_count += 1;
        }
    }
}
