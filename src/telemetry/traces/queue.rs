//! The queue of spans that have ended: bounded, and never waited for. What finds no room is dropped and counted, and the log says
//! once when spans begin to be lost, and once when they no longer are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanProcessor as _};

use crate::telemetry::Metrics;

/// Spans that wait to be sent in batches.
#[derive(Debug)]
pub(super) struct SpanQueue {
    pub(super) processor: BatchSpanProcessor,
    pub(super) limit: usize,
    pub(super) delivery: Arc<ExportState>,
}

/// How delivery goes.
pub(super) struct ExportState {
    /// Spans that are not taken out of the queue yet.
    waiting: AtomicUsize,
    /// Whether spans are lost.
    losing: AtomicBool,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for ExportState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl SpanQueue {
    /// Lets a span in, if there is room.
    pub(super) fn push(&self, span: SpanData) {
        let delivery = &self.delivery;
        if delivery.waiting.fetch_add(1, Ordering::AcqRel) >= self.limit {
            delivery.waiting.fetch_sub(1, Ordering::AcqRel);
            delivery.lost("queue_full", 1, "the queue is full");
            return;
        }
        // The library's own queue is as long, and holds no more than what waits.
        self.processor.on_end(span);
    }

    /// Sends what waits; blocks its thread for at most this long.
    pub(super) fn stop(&self, within: Duration) {
        let _ = self.processor.shutdown_with_timeout(within);
    }
}

impl ExportState {
    pub(super) fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { waiting: AtomicUsize::new(0), losing: AtomicBool::new(false), metrics })
    }

    /// Spans were taken out of the queue.
    pub(super) fn taken(&self, spans: usize) {
        self.waiting.fetch_sub(spans, Ordering::AcqRel);
    }

    /// Spans were delivered.
    pub(super) fn delivered(&self, spans: usize, limit: usize) {
        self.metrics.traces().spans("exported", spans);
        // A queue that is still long goes on losing.
        if self.waiting.load(Ordering::Acquire) <= limit / 2 && self.losing.swap(false, Ordering::AcqRel) {
            tracing::info!("traces are delivered again");
        }
    }

    /// Spans were lost.
    pub(super) fn lost(&self, result: &'static str, spans: usize, reason: &str) {
        self.metrics.traces().spans(result, spans);
        if !self.losing.swap(true, Ordering::AcqRel) {
            tracing::warn!(reason, "traces are not delivered: spans are dropped, and counted");
        }
    }
}
