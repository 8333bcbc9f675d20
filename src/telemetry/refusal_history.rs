//! The last refusals: their codes and when they were, for the status page.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How many are remembered.
const REMEMBERED: usize = 20;

#[derive(Default)]
pub(super) struct RefusalHistory(Mutex<VecDeque<(Instant, &'static str)>>);

impl RefusalHistory {
    #[expect(clippy::disallowed_methods, reason = "telemetry stands below model, whose clock it cannot ask")]
    pub(super) fn add(&self, code: &'static str) {
        let mut last = self.0.lock();
        last.truncate(REMEMBERED - 1);
        last.push_front((Instant::now(), code));
    }

    /// The codes, and how long ago they were, the last one first.
    pub(super) fn last(&self) -> Vec<(&'static str, Duration)> {
        self.0.lock().iter().map(|(at, code)| (*code, at.elapsed())).collect()
    }
}
