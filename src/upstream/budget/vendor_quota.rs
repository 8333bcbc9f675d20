//! The vendor's own count of what is left, from the rate-limit headers of its answers.
//!
//! Answers arrive in another order than the vendor counted the calls, and calls that are under way may not be counted yet.
//! So the smallest figure of a window holds, less the calls in flight when it was read and less every call since.

use tokio::time::Instant;

use crate::upstream::RateLimit;

/// The rest of a window, by the vendor's count.
#[derive(Debug, Default)]
pub(super) struct VendorQuota {
    window: Option<QuotaWindow>,
}

#[derive(Clone, Copy, Debug)]
struct QuotaWindow {
    limit: Option<u32>,
    remaining: u32,
    ends: Instant,
}

impl VendorQuota {
    /// Takes in the headers of an answer; `in_flight` counts the other calls with this credential that have begun and not
    /// ended.
    pub(super) fn observe(&mut self, said: RateLimit, in_flight: u32, now: Instant) {
        let mut window = QuotaWindow {
            limit: said.limit,
            remaining: said.remaining.saturating_sub(in_flight),
            ends: now + said.reset,
        };
        if let Some(known) = self.current(now) {
            window.limit = window.limit.or(known.limit);
            window.remaining = window.remaining.min(known.remaining);
            // A vendor with a sliding window says the same distance each time. The window still ends, so that a small
            // figure is not held for ever.
            window.ends = window.ends.min(known.ends);
        }
        self.window = Some(window);
    }

    /// A call begins.
    pub(super) fn call_started(&mut self) {
        if let Some(window) = &mut self.window {
            window.remaining = window.remaining.saturating_sub(1);
        }
    }

    /// How many calls are left, and out of how many, until when; `None` while the vendor has said nothing.
    pub(super) fn remaining(&self, now: Instant) -> Option<(u32, Option<u32>, Instant)> {
        self.current(now).map(|window| (window.remaining, window.limit, window.ends))
    }

    fn current(&self, now: Instant) -> Option<&QuotaWindow> {
        self.window.as_ref().filter(|window| window.ends > now)
    }
}
