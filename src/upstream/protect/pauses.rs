//! Pauses that the vendor asks for: a 429 pauses the credential, a 503 with `Retry-After` pauses the host.
//!
//! Invariant: after a 429 there is always a pause, however short the vendor's own figure is, and it is never longer than an
//! hour. All times are monotonic, so a corrected wall clock neither shortens nor prolongs a pause.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest pause after the first 429, and after many of them in a row.
const FLOOR: Duration = Duration::from_secs(1);
const FLOOR_LIMIT: Duration = Duration::from_secs(60);
/// The longest pause, whatever the vendor says. The plans count by the hour, so waiting longer cannot help.
pub(in crate::upstream) const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// A 429 so long after the last pause is a new incident, and starts with the first floor again.
const QUIET: Duration = Duration::from_secs(60);

/// The pause of one credential after 429 answers. It lasts for what the vendor asks, and at least for a floor that doubles
/// while 429s go on, so that `Retry-After: 0` cannot burn the plan.
#[derive(Debug, Default)]
pub(in crate::upstream) struct CredentialPause {
    until: Option<Instant>,
    floor: Duration,
    /// When the last 429 arrived that raised the floor.
    raised_at: Option<Instant>,
}

impl CredentialPause {
    /// Records a 429 to a call that began at `call_started`; returns how long the pause lasts from now.
    pub(in crate::upstream) fn rate_limited(
        &mut self,
        asked: Duration,
        call_started: Instant,
        now: Instant,
    ) -> Duration {
        // Calls that were under way when the pause began were refused for the same reason: they do not raise the floor.
        if self.raised_at.is_none_or(|raised| call_started >= raised) {
            let quiet = self.until.is_some_and(|until| now > until + QUIET);
            let floor = if quiet { Duration::ZERO } else { self.floor };
            self.floor = (floor * 2).clamp(FLOOR, FLOOR_LIMIT);
            self.raised_at = Some(now);
        }
        let until = now + asked.clamp(self.floor, LONGEST_PAUSE);
        let until = self.until.map_or(until, |before| before.max(until));
        self.until = Some(until);
        until - now
    }

    /// Records any other answer: the vendor serves the credential again, so the next 429 starts with the first floor.
    pub(in crate::upstream) fn answered(&mut self, call_started: Instant) {
        if self.raised_at.is_some_and(|raised| call_started >= raised) {
            (self.floor, self.raised_at) = (Duration::ZERO, None);
        }
    }

    /// When the pause ends, while there is one.
    pub(in crate::upstream) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }

    /// Whether no other answer has come since the last 429. After the pause one call at a time finds out, so that callers
    /// that waited for its end are not all refused at once, and charged.
    pub(in crate::upstream) fn is_unproven(&self) -> bool {
        self.raised_at.is_some()
    }
}

/// The pause of the whole host after a 503 that says when to come back. Until then no call is made, not even a probe.
#[derive(Debug, Default)]
pub(in crate::upstream) struct HostPause {
    until: Option<Instant>,
}

impl HostPause {
    /// Records a 503 that asks to be left alone for so long.
    pub(in crate::upstream) fn unavailable(&mut self, asked: Duration, now: Instant) {
        let until = now + asked.min(LONGEST_PAUSE);
        self.until = Some(self.until.map_or(until, |before| before.max(until)));
    }

    /// When the pause ends, while there is one.
    pub(in crate::upstream) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }
}
