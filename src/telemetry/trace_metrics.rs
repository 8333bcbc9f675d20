//! The metrics of traces: what became of the spans that were recorded.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::labels::ResultLabels;

/// The metrics of traces.
pub struct TraceMetrics {
    spans: Family<ResultLabels, Counter>,
}

impl Default for TraceMetrics {
    fn default() -> Self {
        let metrics = Self { spans: Family::default() };
        // From the start, so that an alert on the first loss sees it rise from 0.
        for result in ["exported", "queue_full", "not_delivered"] {
            metrics.spans(result, 0);
        }
        metrics
    }
}

impl TraceMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "trace_spans",
            "Spans that were recorded, by what became of them: exported, or lost (queue_full, not_delivered)",
            self.spans.clone(),
        );
    }

    /// Counts spans by what became of them (`exported`, `queue_full`, `not_delivered`).
    pub fn spans(&self, result: &'static str, count: usize) {
        self.spans.get_or_create(&ResultLabels { result }).inc_by(count as u64);
    }
}
