//! The calls that the sample received: all counted, the last ones in detail.

use std::collections::VecDeque;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

/// The number of calls that are kept in detail.
const KEPT: usize = 10_000;

/// A call to the endpoint, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedCall {
    /// The path.
    pub path: String,
    /// The query string as it was sent.
    pub query: String,
    /// The decoded parameters, in their order.
    pub parameters: Vec<(String, String)>,
    /// The names of its headers, sorted.
    pub headers: Vec<String>,
    /// The trace context, if any: `traceparent` and `tracestate`.
    pub trace: [Option<String>; 2],
    /// The bearer token, if any.
    pub token: Option<String>,
}

impl ReceivedCall {
    /// The value of a parameter that came exactly once.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut values = self.parameters.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    }
}

pub(super) struct Calls {
    log: Mutex<VecDeque<ReceivedCall>>,
    count: watch::Sender<usize>,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self { log: Mutex::default(), count: watch::Sender::new(0) }
    }

    pub(super) fn add(&self, call: ReceivedCall) -> usize {
        let mut log = self.locked();
        if log.len() == KEPT {
            log.pop_front();
        }
        log.push_back(call);
        drop(log);
        self.count.send_modify(|count| *count += 1);
        *self.count.borrow()
    }

    pub(super) fn count(&self) -> usize {
        *self.count.borrow()
    }

    pub(super) fn count_for(&self, email: &str) -> usize {
        self.locked().iter().filter(|call| call.parameter("email") == Some(email)).count()
    }

    pub(super) fn log(&self) -> Vec<ReceivedCall> {
        self.locked().iter().cloned().collect()
    }

    pub(super) fn reset(&self) {
        self.locked().clear();
        self.count.send_replace(0);
    }

    pub(super) async fn arrived(&self, calls: usize) {
        // This struct holds the sender, so the wait ends only when the calls have arrived.
        let _ = self.count.subscribe().wait_for(|count| *count >= calls).await;
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<ReceivedCall>> {
        self.log.lock()
    }
}
