//! A subscription that is audited: a record when it begins, and one when it has ended, with what was sent meanwhile.

use std::sync::Arc;

use super::audited_request::{AskedOperation, AuditedRequest, Ended};
use crate::http::streams::stream_outcome::StreamOutcome;

/// A subscription, from its begin to its end.
pub(in crate::http) struct AuditedStream {
    request: Arc<AuditedRequest>,
    transport: &'static str,
    asked: Option<AskedOperation>,
}

impl AuditedStream {
    /// Records that it begins.
    pub(in crate::http) fn begin(request: &Arc<AuditedRequest>, transport: &'static str) -> Self {
        let stream = Self { request: request.clone(), transport, asked: request.take().pop() };
        stream.record("subscribed", &StreamOutcome::default(), None);
        stream
    }

    /// Records that it has ended, and what it has come to.
    pub(in crate::http) fn end(self, outcome: &StreamOutcome, reason: &'static str) {
        self.record("ended", outcome, Some(reason));
    }

    fn record(&self, event: &'static str, outcome: &StreamOutcome, reason: Option<&'static str>) {
        let ended = Ended {
            event,
            transport: Some(self.transport),
            kind: "subscription",
            rows: outcome.rows,
            events: reason.map(|_| outcome.events),
            outcome: outcome.word(reason.unwrap_or_default()),
            codes: &outcome.codes,
            reason,
        };
        self.request.record(self.asked.as_ref(), &ended);
    }
}
