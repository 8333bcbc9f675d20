//! The rate at which a WebSocket may send messages: so many a second, and a burst of ten times as many.

use tokio::time::Instant;

use crate::model::Clock;

/// How many seconds' messages may come at once.
const BURST: f64 = 10.0;

/// Counts the messages of one WebSocket.
pub(super) struct SendRate {
    rate: f64,
    left: f64,
    since: Instant,
}

impl SendRate {
    pub(super) fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        Self { rate, left: rate * BURST, since: Clock::instant() }
    }

    /// Counts a message; `false` when it is one too many.
    pub(super) fn allows(&mut self) -> bool {
        let now = Clock::instant();
        let earned = (now - self.since).as_secs_f64() * self.rate;
        self.since = now;
        self.left = (self.left + earned).min(self.rate * BURST) - 1.0;
        self.left >= 0.0
    }
}
