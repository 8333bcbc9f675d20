//! The last refusals: their codes and when they were, for the status page.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::model::Clock;

/// How many are remembered.
const REMEMBERED: usize = 20;

#[derive(Default)]
pub(super) struct RefusalHistory(Mutex<VecDeque<(Instant, &'static str)>>);

impl RefusalHistory {
    pub(super) fn add(&self, code: &'static str) {
        let mut last = self.0.lock();
        last.truncate(REMEMBERED - 1);
        last.push_front((Clock::instant(), code));
    }

    /// The codes, and how long ago they were, the last one first.
    pub(super) fn last(&self) -> Vec<(&'static str, Duration)> {
        self.0.lock().iter().map(|(at, code)| (*code, Clock::elapsed_since(*at))).collect()
    }
}
