//! The retry budget: how soon, and how often, a receiver that fails is tried again.
//!
//! Each try after a failure takes one from a bucket that fills by the minute. The first come quickly, for a receiver that was only
//! restarted; after those the bucket decides.

use std::time::Duration;

use tokio::time::Instant;

/// How many are there at first, at most.
const BURST: f64 = 5.0;
/// The shortest and the longest pause while there are any.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

pub(super) struct RetryBudget {
    per_second: f64,
    left: f64,
    filled: Instant,
    /// How often it has failed since it last went well.
    failures: u32,
}

impl RetryBudget {
    pub(super) fn new(per_minute: u32, now: Instant) -> Self {
        Self { per_second: f64::from(per_minute) / 60.0, left: BURST, filled: now, failures: 0 }
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    pub(super) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// How long to wait before the next try, which is taken from the budget; nothing while the receiver does not fail.
    pub(super) fn next(&mut self, now: Instant) -> Duration {
        if self.failures == 0 {
            return Duration::ZERO;
        }
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        // Below nothing, it is owed: the wait until it is there is over when the next one is asked for.
        self.left = (self.left + since * self.per_second).min(BURST) - 1.0;
        self.filled = now;
        let owed = Duration::from_secs_f64((-self.left).max(0.0) / self.per_second);
        let (shortest, longest) = PAUSES;
        let backoff = shortest.saturating_mul(1 << (self.failures - 1).min(16)).min(longest);
        // Replicas that failed together are not to come back together.
        owed.max(backoff.mul_f64(0.75 + 0.5 * fastrand::f64()))
    }
}
