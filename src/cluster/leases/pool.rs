//! A pool of leased calls: how many a replica may still make, and until when.
//!
//! A call is taken from the pool, and then either made, which is recorded in the ledger first, or given back. Between the two it
//! is in hand, and reported as unused. Invariant: what is reported as unused is never less than what may still be made.

use tokio::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Pool {
    unused: u32,
    in_hand: u32,
    until: Option<Instant>,
    /// Calls that were made from this pool.
    made: u64,
}

impl Pool {
    /// Takes a call, where there is one under a live lease.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let taken = self.is_live(now) && self.unused > 0;
        if taken {
            self.unused -= 1;
            self.in_hand += 1;
        }
        taken
    }

    /// A call that was taken has been recorded, and is made.
    pub(super) fn make(&mut self) {
        self.in_hand = self.in_hand.saturating_sub(1);
        self.made += 1;
    }

    /// A call that was taken is not made.
    pub(super) fn give_back(&mut self) {
        self.in_hand = self.in_hand.saturating_sub(1);
        self.unused += 1;
    }

    /// Calls that may be made now.
    pub(super) fn usable(&self, now: Instant) -> u32 {
        if self.is_live(now) { self.unused } else { 0 }
    }

    /// Gives up what is past its time, and all but `keep` calls.
    pub(super) fn release(&mut self, keep: u32, now: Instant) {
        self.unused = if self.is_live(now) { self.unused.min(keep) } else { 0 };
    }

    /// Ends the lease now.
    pub(super) fn end(&mut self) {
        (self.unused, self.until) = (0, None);
    }

    /// The reported figure: the calls that may still be made, those in hand among them.
    pub(super) fn reported(&self) -> u32 {
        self.unused + self.in_hand
    }

    pub(super) fn made(&self) -> u64 {
        self.made
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// The tier has granted `calls` in all to a report after which `made_before` calls had been made; `until` is new where the
    /// lease was extended.
    pub(super) fn granted(&mut self, calls: u32, made_before: u64, until: Option<Instant>) {
        let since = u32::try_from(self.made - made_before).unwrap_or(u32::MAX);
        self.unused = calls.saturating_sub(self.in_hand).saturating_sub(since);
        self.until = until.or(self.until);
    }

    fn is_live(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}
