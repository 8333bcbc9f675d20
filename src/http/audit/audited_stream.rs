//! A subscription that is audited: a record when it begins, and one when it has ended, with what was sent meanwhile.

use std::sync::Arc;

use super::audited_request::{AskedOperation, AuditedRequest, Ended};
use crate::graphql::{AuditedOperation, LiveRequest};

/// A subscription, from its begin to its end.
pub(in crate::http) struct AuditedStream {
    request: Arc<AuditedRequest>,
    transport: &'static str,
    asked: Option<AskedOperation>,
    operation: Option<Box<AuditedOperation>>,
    events: u64,
    rows: usize,
}

impl AuditedStream {
    /// Records that it begins.
    pub(in crate::http) fn begin(request: &Arc<AuditedRequest>, live: &LiveRequest, transport: &'static str) -> Self {
        let (asked, operation) = (request.take().pop(), live.audited());
        let stream = Self { request: request.clone(), transport, asked, operation, events: 0, rows: 0 };
        stream.record("subscribed", None);
        stream
    }

    /// An event was handed to the connection.
    pub(in crate::http) fn delivered(&mut self, rows: usize) {
        self.events += 1;
        self.rows += rows;
    }

    /// Records that it has ended.
    pub(in crate::http) fn end(self, reason: &'static str) {
        self.record("ended", Some(reason));
    }

    fn record(&self, event: &'static str, reason: Option<&'static str>) {
        let ended = Ended {
            event,
            transport: Some(self.transport),
            kind: "subscription",
            operation: self.operation.as_deref(),
            rows: self.rows,
            events: reason.map(|_| self.events),
            outcome: "ok",
            codes: &[],
            reason,
        };
        self.request.record(self.asked.as_ref(), &ended);
    }
}
