//! Progress: what is known of a request that is being executed, also when its client gives it up.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use axum::http::request::Parts;
use tokio::time::Instant;

use crate::http::audit::AuditSlot;
use crate::http::log_names::{LogNames, Logged, RecordedGrants};
use crate::http::request_id::log_given_up;

/// The progress of a request. Dropped before the request is over, it logs that the request was given up.
pub(super) struct RequestProgress<'r> {
    names: &'r LogNames,
    parts: &'r Parts,
    started: Instant,
    /// Whether its body is what it waits for.
    pub(super) reading: AtomicBool,
    pub(super) audit: AuditSlot,
    /// The content of its log line, if it has one.
    pub(super) recorded: OnceLock<Arc<RecordedGrants>>,
    pub(super) is_over: AtomicBool,
}

impl<'r> RequestProgress<'r> {
    pub(super) fn new(names: &'r LogNames, parts: &'r Parts, started: Instant) -> Self {
        let (reading, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { names, parts, started, reading, audit: AuditSlot::default(), recorded: OnceLock::new(), is_over }
    }

    /// The content of its log line so far.
    pub(super) fn logged(&self) -> Logged {
        self.recorded.get().map(|recorded| self.names.logged(recorded)).unwrap_or_default()
    }
}

impl Drop for RequestProgress<'_> {
    fn drop(&mut self) {
        if !*self.is_over.get_mut() {
            let logged = self.logged();
            log_given_up(self.parts, self.started, &logged);
        }
    }
}
