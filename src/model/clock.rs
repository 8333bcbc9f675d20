//! The one clock: tokio's instant for every expiry, and the wall clock for what people and files are told.
//!
//! The wall clock is read when it is needed, so a clock that was corrected while the process runs is right from then on.
//! Every other file asks here (`clippy.toml`), so that a paused clock of a test holds for the whole service.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the clocks")]

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::Timestamp;

/// Reads both clocks. A paused test clock moves both.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// One instant by tokio's clock and by the system's, which part when a test pauses the former.
    start: (Instant, std::time::Instant),
    /// The offset by which a test has set the wall clock, in milliseconds.
    step: Option<&'static AtomicI64>,
}

impl Clock {
    /// The clock of this process.
    #[must_use]
    pub fn start() -> Self {
        Self { start: (Instant::now(), std::time::Instant::now()), step: None }
    }

    /// The same with a wall clock that is off by `step` milliseconds, for tests that set it.
    #[must_use]
    pub fn start_off_by(step: &'static AtomicI64) -> Self {
        Self { step: Some(step), ..Self::start() }
    }

    /// The instant by which expiry is decided.
    #[must_use]
    pub fn now(&self) -> Instant {
        Self::instant()
    }

    /// The same for code that only measures or waits, and is given no clock.
    #[must_use]
    pub fn instant() -> Instant {
        Instant::now()
    }

    /// How long ago that was.
    #[must_use]
    pub fn elapsed_since(instant: Instant) -> Duration {
        Self::instant().saturating_duration_since(instant)
    }

    /// The wall clock as it is set now, since 1970, for the dates of tokens.
    #[must_use]
    pub fn since_epoch() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// The time at `instant`, by the wall clock as it is set now.
    #[must_use]
    pub fn wall(&self, instant: Instant) -> Timestamp {
        let now = Instant::now();
        let (start, real_start) = self.start;
        let paused_ahead = (now - start).saturating_sub(real_start.elapsed());
        let mut wall = SystemTime::now() + paused_ahead;
        if let Some(step) = self.step {
            let millis = step.load(Ordering::Relaxed);
            let step = Duration::from_millis(millis.unsigned_abs());
            wall = if millis < 0 { wall - step } else { wall + step };
        }
        wall = wall + instant.saturating_duration_since(now) - now.saturating_duration_since(instant);
        wall.into()
    }
}
