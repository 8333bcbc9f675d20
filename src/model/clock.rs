//! The one clock: tokio's instant for every expiry, and a wall-clock anchor to tell people when something was.

use std::time::SystemTime;

use tokio::time::Instant;

use super::Timestamp;

/// Pairs an instant with the wall clock at start, so that a paused test clock moves both.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    instant: Instant,
    wall: SystemTime,
}

impl Clock {
    /// Anchors the clock here and now.
    #[must_use]
    pub fn start() -> Self {
        Self { instant: Instant::now(), wall: SystemTime::now() }
    }

    /// The moment by which expiry is decided.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// What the wall clock showed at `instant`.
    #[must_use]
    pub fn wall(&self, instant: Instant) -> Timestamp {
        let wall = match instant.checked_duration_since(self.instant) {
            Some(after) => self.wall + after,
            None => self.wall - (self.instant - instant),
        };
        wall.into()
    }
}
