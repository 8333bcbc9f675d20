//! The calls of a ledger that are in hand: reserved, or recorded and under way.

use std::sync::Arc;

use tokio::time::Instant;

use super::exhausted::BudgetExhausted;
use super::ledger::{Ledger, RESERVATION_WAIT};
use super::ledger_state::Payer;
use super::shared::{Elsewhere, SharedPlan};
use crate::upstream::Need;

impl Ledger {
    /// Reserves `n` calls.
    pub(in crate::upstream) fn reserve(
        self: &Arc<Self>,
        n: u32,
        need: Need,
        payer: Option<Payer>,
    ) -> Result<Reservation, BudgetExhausted> {
        self.shared().map_or(Ok(()), SharedPlan::would_acquire)?;
        let elsewhere = self.elsewhere(payer);
        let mut state = self.current();
        self.check(&state, elsewhere, n, need, payer)?;
        state.reserved += n;
        if let Some(payer) = payer {
            *state.reserved_by.entry(payer).or_default() += n;
        }
        drop(state);
        Ok(Reservation::new(self.clone(), n, payer))
    }
}

/// Calls that may be made. What is not used is given back.
pub(in crate::upstream) struct Reservation {
    ledger: Arc<Ledger>,
    calls: u32,
    payer: Option<Payer>,
}

impl Reservation {
    pub(super) fn new(ledger: Arc<Ledger>, calls: u32, payer: Option<Payer>) -> Self {
        Self { ledger, calls, payer }
    }

    pub(in crate::upstream) fn calls(&self) -> u32 {
        self.calls
    }

    /// Turns one reserved call into a recorded one that ends at `latest_end` at the latest; refused where the vendor has asked
    /// for a pause since the reservation.
    pub(super) fn commit(&mut self, latest_end: Instant) -> Result<RecordedCall, BudgetExhausted> {
        if self.calls == 0 {
            let more = self.ledger.reserve(1, Need::Missing, self.payer)?;
            self.absorb(more);
        }
        let now = self.ledger.clock.now();
        let state = self.ledger.state.lock();
        let probing = state.pause.is_unproven() && !state.open.is_empty();
        let blocked = self.ledger.blocked(&state, 1, now).or_else(|| probing.then(|| now + RESERVATION_WAIT));
        // Another process's calls may have been taken over since the reservation. For other replicas' calls there are leases.
        let spendable = self.ledger.policy().spendable();
        let is_over = state.counted() + state.reserved > spendable;
        let none = Elsewhere::default();
        let expiry = || self.ledger.expiry(&state, none, None, |counted, _| counted < spendable).unwrap_or(now);
        let blocked = blocked.or_else(|| is_over.then(expiry));
        drop(state);
        if let Some(available_at) = blocked {
            return Err(BudgetExhausted { reason: "blocked", available_at, reserved: false });
        }
        let number = self.ledger.start(latest_end, self.payer);
        self.calls -= 1;
        self.ledger.give_back(1, self.payer);
        Ok(RecordedCall { ledger: self.ledger.clone(), number: Some(number) })
    }

    /// Reserves more calls, where there are so many.
    pub(super) fn extend(&mut self, n: u32, need: Need) -> Result<(), BudgetExhausted> {
        let more = self.ledger.reserve(n, need, self.payer)?;
        self.absorb(more);
        Ok(())
    }

    /// Gives back all but `n` calls.
    pub(super) fn keep(&mut self, n: u32) {
        let less = self.calls.saturating_sub(n);
        self.calls -= less;
        self.ledger.give_back(less, self.payer);
    }

    fn absorb(&mut self, mut more: Self) {
        self.calls += std::mem::take(&mut more.calls);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.ledger.give_back(self.calls, self.payer);
    }
}

/// A call that is written in the ledger. Dropped, it has ended.
pub(super) struct RecordedCall {
    ledger: Arc<Ledger>,
    number: Option<u64>,
}

impl RecordedCall {
    /// The call was not made.
    pub(super) fn cancel(mut self) {
        if let Some(number) = self.number.take() {
            self.ledger.cancel(number);
        }
    }
}

impl Drop for RecordedCall {
    fn drop(&mut self) {
        if let Some(number) = self.number.take() {
            self.ledger.end(number);
        }
    }
}
