//! The ledger of one credential: every call of the last hour, written before it is made.
//!
//! Invariant: calls of the last hour and calls_left reserved for calls to come are together never more than the credential may commit,
//! so no sliding hour ever has more calls than that, whatever asks.

use crate::model::{BudgetShare, Pressure};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::budget::BudgetPolicy;
use crate::upstream::Need;
use crate::upstream::transport::rate_limit_headers::RateLimit;

pub(in crate::upstream) const HOUR_MILLIS: i64 = 3_600_000;
/// From this share of what refreshing may commit, it is low, and the fresh window stretches, the more the subtract is left.
const LOW_WATERMARK: f64 = 0.8;
/// Below this share nobody has to mind how fast it is spent.
const STRETCH_FLOOR: f64 = 0.3;

/// Whom a call is charged to, besides the credential: a caller's name, hashed.
pub(in crate::upstream) type Payer = u64;

pub(in crate::upstream) struct Ledger {
    terms: BudgetPolicy,
    state: Mutex<LedgerState>,
}

#[derive(Default)]
struct LedgerState {
    /// The last hour's calls, oldest first.
    calls: VecDeque<RecordedCall>,
    spent_by: HashMap<Payer, u32>,
    /// Places that loads have taken for the calls they are about to make.
    reserved: u32,
    reserved_by: HashMap<Payer, u32>,
    /// After a 429: no call before this.
    blocked_until: i64,
    /// What the vendor said is left, counted down since, and until when that holds.
    vendor_remaining: Option<(RateLimit, i64)>,
    /// Whether the upstream has ever taken this credential for one.
    accepted: bool,
}

#[derive(Clone, Copy)]
struct RecordedCall {
    /// Milliseconds since 1970.
    at: i64,
    payer: Option<Payer>,
}

/// Why a call may not be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::upstream) struct BudgetExhausted {
    /// `plan`, `reserve`, `share` or `blocked`.
    pub(in crate::upstream) reason: &'static str,
    /// When it may, in milliseconds since 1970.
    pub(in crate::upstream) until: i64,
}

impl Ledger {
    pub(in crate::upstream) fn new(terms: BudgetPolicy) -> Self {
        Self { terms, state: Mutex::default() }
    }

    /// Calls that somebody else has written down: a ledger from before a restart.
    pub(in crate::upstream) fn restore(&self, calls: impl IntoIterator<Item = i64>, accepted: bool) {
        let mut state = self.state();
        state.calls.extend(calls.into_iter().map(|at| RecordedCall { at, payer: None }));
        state.calls.make_contiguous().sort_by_key(|call| call.at);
        state.accepted |= accepted;
    }

    /// Holds calls_left for `n` calls.
    pub(in crate::upstream) fn reserve(
        self: &Arc<Self>,
        now: i64,
        n: u32,
        need: Need,
        payer: Option<Payer>,
    ) -> Result<Reservation, BudgetExhausted> {
        let mut state = self.state();
        state.forget(now);
        self.check(&state, now, n, need, payer)?;
        state.reserved += n;
        if let Some(payer) = payer {
            *state.reserved_by.entry(payer).or_default() += n;
        }
        drop(state);
        Ok(Reservation { ledger: self.clone(), calls_left: n, payer })
    }

    /// Whether `reserve` would succeed.
    pub(in crate::upstream) fn would_reserve(
        &self,
        now: i64,
        n: u32,
        need: Need,
        payer: Option<Payer>,
    ) -> Result<(), BudgetExhausted> {
        let mut state = self.state();
        state.forget(now);
        self.check(&state, now, n, need, payer)
    }

    fn check(
        &self,
        state: &LedgerState,
        now: i64,
        n: u32,
        need: Need,
        payer: Option<Payer>,
    ) -> Result<(), BudgetExhausted> {
        if state.blocked_until > now {
            return Err(BudgetExhausted { reason: "blocked", until: state.blocked_until });
        }
        if let Some((limit, until)) = state.vendor_remaining
            && until > now
            && limit.remaining.saturating_sub(self.terms.headroom(limit.limit)) < n + state.reserved
        {
            return Err(BudgetExhausted { reason: "blocked", until });
        }
        let wanted = state.taken() + n;
        let (bound, reason) = match need {
            Need::Missing => (self.terms.spendable(), "plan"),
            Need::Refresh { .. } => (self.terms.for_refreshing(), "reserve"),
        };
        if wanted > bound {
            return Err(BudgetExhausted { reason, until: state.available_at(wanted - bound, None).max(now + 1) });
        }
        if let Some(payer) = payer {
            let bound = self.terms.share(state.taken() - state.taken_by(payer));
            let wanted = state.taken_by(payer) + n;
            if wanted > bound {
                let until = state.available_at(wanted - bound, Some(payer)).max(now + 1);
                return Err(BudgetExhausted { reason: "share", until });
            }
        }
        Ok(())
    }

    /// How short the plan is.
    pub(in crate::upstream) fn pressure(&self, now: i64) -> Pressure {
        let mut state = self.state();
        state.forget(now);
        let mut used = f64::from(state.taken()) / f64::from(self.terms.for_refreshing().max(1));
        // The part of the hour in which that was spent: as much of the plan may be, and a little.
        let spent_in = state.calls.front().map_or(0, |call| now - call.at) as f64 / HOUR_MILLIS as f64;
        let ahead = if used < STRETCH_FLOOR { 0.0 } else { used / spent_in.max(1e-3) };
        if let Some((RateLimit { limit: Some(limit), remaining, .. }, until)) = state.vendor_remaining
            && until > now
        {
            used = used.max(1.0 - f64::from(remaining) / f64::from(limit.max(1)));
        }
        let left = (1.0 - used).max(1e-6);
        Pressure { stretch: ahead.powi(4).max((1.0 - LOW_WATERMARK) / left).max(1.0), low: used > LOW_WATERMARK }
    }

    /// What the payer, or whoever has the credential, may still commit.
    pub(in crate::upstream) fn share(&self, now: i64, payer: Option<Payer>) -> BudgetShare {
        let mut state = self.state();
        state.forget(now);
        let spendable = self.terms.spendable();
        let mut remaining = spendable.saturating_sub(state.taken());
        let mut reset = state.calls.front().map_or(0, |call| call.at + HOUR_MILLIS - now);
        if let Some((limit, until)) = state.vendor_remaining.filter(|(_, until)| *until > now) {
            let said = limit.remaining.saturating_sub(self.terms.headroom(limit.limit));
            if said < remaining {
                (remaining, reset) = (said, until - now);
            }
        }
        if state.blocked_until > now {
            (remaining, reset) = (0, state.blocked_until - now);
        }
        let limit = payer.map_or(spendable, |payer| {
            let limit = self.terms.share(state.taken() - state.taken_by(payer));
            remaining = remaining.min(limit.saturating_sub(state.taken_by(payer)));
            limit
        });
        BudgetShare { limit, remaining, reset: Duration::from_millis(u64::try_from(reset).unwrap_or(0)) }
    }

    /// The vendor said 429.
    pub(in crate::upstream) fn pause_until(&self, until: i64) {
        let mut state = self.state();
        state.blocked_until = state.blocked_until.max(until);
    }

    /// The vendor said how much is left.
    pub(in crate::upstream) fn observe(&self, limit: RateLimit, now: i64) {
        let reset = i64::try_from(limit.reset.as_millis()).unwrap_or(HOUR_MILLIS);
        self.state().vendor_remaining = Some((limit, now.saturating_add(reset)));
    }

    pub(in crate::upstream) fn accept(&self) {
        self.state().accepted = true;
    }

    pub(in crate::upstream) fn is_accepted(&self) -> bool {
        self.state().accepted
    }

    /// Whether nothing would be lost by forgetting it.
    pub(in crate::upstream) fn is_idle(&self, now: i64) -> bool {
        let mut state = self.state();
        state.forget(now);
        state.calls.is_empty() && state.reserved == 0 && state.blocked_until <= now
    }

    /// When its calls were made, oldest first, in milliseconds since 1970.
    pub(in crate::upstream) fn calls(&self, now: i64) -> Vec<i64> {
        let mut state = self.state();
        state.forget(now);
        state.calls.iter().map(|call| call.at).collect()
    }

    fn state(&self) -> MutexGuard<'_, LedgerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LedgerState {
    fn forget(&mut self, now: i64) {
        while let Some(call) = self.calls.front().copied().filter(|call| now - call.at >= HOUR_MILLIS) {
            self.calls.pop_front();
            if let Some(payer) = call.payer {
                subtract(&mut self.spent_by, payer, 1);
            }
        }
    }

    fn spent(&self) -> u32 {
        u32::try_from(self.calls.len()).unwrap_or(u32::MAX)
    }

    fn taken(&self) -> u32 {
        self.spent() + self.reserved
    }

    fn taken_by(&self, payer: Payer) -> u32 {
        let of = |map: &HashMap<Payer, u32>| map.get(&payer).copied().unwrap_or(0);
        of(&self.spent_by) + of(&self.reserved_by)
    }

    /// When the `n` oldest calls, of this payer where one is named, will have been forgotten.
    fn available_at(&self, n: u32, payer: Option<Payer>) -> i64 {
        let mut calls = self.calls.iter().filter(|call| payer.is_none() || call.payer == payer);
        let last = calls.clone().next_back();
        calls.nth(n.saturating_sub(1) as usize).or(last).map_or(0, |call| call.at + HOUR_MILLIS)
    }
}

fn subtract(map: &mut HashMap<Payer, u32>, payer: Payer, n: u32) {
    match map.get_mut(&payer) {
        Some(count) if *count > n => *count -= n,
        _ => drop(map.remove(&payer)),
    }
}

/// Places for calls that are about to be made; what is not used is given back.
pub(in crate::upstream) struct Reservation {
    ledger: Arc<Ledger>,
    calls_left: u32,
    payer: Option<Payer>,
}

impl Reservation {
    /// Turns a place into a call, written down before it is made.
    pub(in crate::upstream) fn commit(&mut self, now: i64) {
        self.calls_left = self.calls_left.saturating_sub(1);
        let mut state = self.ledger.state();
        state.reserved = state.reserved.saturating_sub(1);
        state.calls.push_back(RecordedCall { at: now, payer: self.payer });
        if let Some(payer) = self.payer {
            subtract(&mut state.reserved_by, payer, 1);
            *state.spent_by.entry(payer).or_default() += 1;
        }
        if let Some((vendor_remaining, _)) = &mut state.vendor_remaining {
            vendor_remaining.remaining = vendor_remaining.remaining.saturating_sub(1);
        }
    }

    /// Holds `n` more calls_left, where there are so many.
    pub(in crate::upstream) fn extend(&mut self, now: i64, n: u32, need: Need) -> Result<(), BudgetExhausted> {
        let mut more = self.ledger.reserve(now, n, need, self.payer)?;
        self.calls_left += std::mem::take(&mut more.calls_left);
        Ok(())
    }

    /// Gives back all but `n` calls_left.
    pub(in crate::upstream) fn shrink_to(&mut self, n: u32) {
        self.give_back(self.calls_left.saturating_sub(n));
    }

    pub(in crate::upstream) fn calls_left(&self) -> u32 {
        self.calls_left
    }

    fn give_back(&mut self, n: u32) {
        self.calls_left -= n;
        let mut state = self.ledger.state();
        state.reserved -= n;
        if let Some(payer) = self.payer {
            subtract(&mut state.reserved_by, payer, n);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.give_back(self.calls_left);
    }
}
