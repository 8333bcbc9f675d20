//! Traces of this service: whether there are any, where they begin, and where they go.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::trace::SpanKind;

use super::attribute;
use super::context::TraceContext;
use super::export::queue_to;
use super::queue::SpanQueue;
use super::record::SpanRecord;
use super::sampling::Sampling;
use super::settings::TraceSettings;
use super::trace::{Span, Trace};
use crate::config::{Config, IncomingTrace, TracesConfig};
use crate::telemetry::Metrics;

/// How long the end of the process waits for spans to be delivered.
const LAST_EXPORT: Duration = Duration::from_secs(5);

/// Begins traces. Cheap to clone. The default sends none, and hands on the context that requests come with.
#[derive(Clone, Default)]
pub struct Traces {
    settings: TracesConfig,
    /// `http` or `https`: what requests come by.
    scheme: &'static str,
    export: Option<Arc<Export>>,
}

struct Export {
    sampling: Sampling,
    queue: Arc<SpanQueue>,
}

impl Traces {
    /// Traces that are sent as the configuration says, and what is wrong with it, which stops no service. They are sent from a
    /// thread of their own, over the runtime that this is called on.
    #[must_use]
    pub fn start(config: &Config, metrics: Arc<Metrics>) -> (Self, Vec<String>) {
        let (settings, mut problems) = TraceSettings::read(&config.otel);
        let export = settings.and_then(|settings| match queue_to(&settings, metrics) {
            Ok(queue) => Some(Arc::new(Export { sampling: settings.sampling, queue: Arc::new(queue) })),
            Err(problem) => {
                problems.push(format!("OTEL_EXPORTER_OTLP_ENDPOINT: {problem}: no traces are sent"));
                None
            }
        });
        let scheme = if config.http_tls.certificate_file.is_some() { "https" } else { "http" };
        (Self { settings: config.traces.clone(), scheme, export }, problems)
    }

    /// The span of a request that came with this head; `None` where there is no trace at all.
    #[must_use]
    pub fn request(&self, headers: &HeaderMap) -> Option<Span> {
        let caller = TraceContext::read(headers);
        let Some(export) = &self.export else {
            // Handed on as it came.
            return caller.map(|context| Span::new(Trace::new(context, None, self.settings.outgoing)));
        };
        let (parent, linked) = match self.settings.incoming {
            IncomingTrace::Continue => (caller, None),
            IncomingTrace::Link => (None, caller),
        };
        let span = self.begin(export, parent.as_ref(), SpanKind::Server, "request");
        span.write(|recorder| {
            recorder.set(attribute::URL_SCHEME, self.scheme);
            if let Some(linked) = &linked {
                recorder.link(linked, true);
            }
        });
        Some(span)
    }

    /// The span of a request that came in a message without a head, linked to that of the request that became the socket.
    #[must_use]
    pub fn message(&self, upgrade: Option<&Trace>) -> Option<Span> {
        let span = self.begin(self.export.as_ref()?, None, SpanKind::Server, "request");
        if let Some(upgrade) = upgrade {
            span.write(|span| span.link(upgrade.context(), false));
        }
        Some(span)
    }

    /// The span of a call: below that of the current task, or of a trace of its own, where the task works for no request. `None`
    /// where the current one stands for the call.
    #[must_use]
    pub fn call(&self, name: &'static str) -> Option<Span> {
        match (&self.export, Trace::current()) {
            (Some(export), None) => Some(self.begin(export, None, SpanKind::Client, name)),
            _ => Trace::call(name),
        }
    }

    fn begin(&self, export: &Export, parent: Option<&TraceContext>, kind: SpanKind, name: &'static str) -> Span {
        let mut context = parent.map_or_else(TraceContext::root, TraceContext::child);
        context.sampled = export.sampling.decide(parent.map(|parent| parent.sampled), context.trace);
        let record = context.sampled.then(|| {
            let parent = parent.map(|parent| (parent.span, true));
            SpanRecord::begin(&context, parent, kind, name, export.queue.clone())
        });
        Span::new(Trace::new(context, record, self.settings.outgoing))
    }

    /// Sends what is left, as far as that is done within a few seconds.
    pub async fn stop(&self) {
        if let Some(export) = &self.export {
            let queue = export.queue.clone();
            // It blocks its thread.
            let _ = tokio::task::spawn_blocking(move || queue.stop(LAST_EXPORT)).await;
        }
    }
}
