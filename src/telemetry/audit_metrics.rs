//! The metrics of the audit log: the records that were written, and those that were lost, by cause.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::labels::ResultLabels;

/// The metrics of the audit log.
pub struct AuditMetrics {
    records: Family<ResultLabels, Counter>,
}

impl Default for AuditMetrics {
    fn default() -> Self {
        let metrics = Self { records: Family::default() };
        // From the start, so that an alert on the first one sees it rise from 0.
        for result in ["written", "queue_full", "write_failed"] {
            metrics.add(result, 0);
        }
        metrics
    }
}

impl AuditMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "audit_records",
            "Records of the audit log, by result: written, or dropped because of queue_full or write_failed",
            self.records.clone(),
        );
    }

    pub(super) fn written(&self, records: u64) {
        self.add("written", records);
    }

    pub(super) fn queue_full(&self, records: u64) {
        self.add("queue_full", records);
    }

    pub(super) fn write_failed(&self, records: u64) {
        self.add("write_failed", records);
    }

    fn add(&self, result: &'static str, records: u64) {
        self.records.get_or_create(&ResultLabels { result }).inc_by(records);
    }
}
