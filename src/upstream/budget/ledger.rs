//! The ledger of one credential: every call that may still count in the vendor's window.
//!
//! A call is recorded before it is made and counts until its end plus the window. The vendor counts it at some instant between
//! its start and its end, so no sliding window of the vendor's ever holds more calls than the ledger does. Nothing removes a
//! recorded call early. Invariant: recorded calls and reservations together never exceed what the policy allows.

use super::exhausted::BudgetExhausted;
use super::ledger_state::{EndedCall, LedgerState, Payer, StartedCall, subtract};
use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::policy::BudgetPolicy;
use super::shared::{Elsewhere, SharedPlan};
use crate::model::{BudgetShare, Clock, Pressure};
use crate::upstream::Need;
use crate::upstream::transport::RateLimit;

/// When a caller is told to come back where only reservations are in the way: they are given back within about a call's time.
pub(super) const RESERVATION_WAIT: Duration = Duration::from_secs(1);
/// From this share of what refreshing may spend, little is left, and the fresh window stretches, the more the less is left.
const LOW_WATERMARK: f64 = 0.8;
/// Below this share the pace of spending does not stretch the fresh window.
const STRETCH_FLOOR: f64 = 0.3;

pub(in crate::upstream) struct Ledger {
    policy: BudgetPolicy,
    pub(super) clock: Clock,
    pub(super) state: Mutex<LedgerState>,
    /// Notified when reservations are given back.
    released: Notify,
    /// Set where other replicas spend the same plan. Asked before `state` is locked, and never while it is.
    shared: OnceLock<SharedPlan>,
}

impl Ledger {
    pub(super) fn new(policy: BudgetPolicy, clock: Clock) -> Self {
        Self { policy, clock, state: Mutex::default(), released: Notify::new(), shared: OnceLock::new() }
    }

    /// From now on, other replicas spend the same plan.
    pub(super) fn share_with(&self, plan: SharedPlan) {
        let _ = self.shared.set(plan);
    }

    /// The ledger's place in the cluster, where there is one.
    pub(super) fn shared(&self) -> Option<&SharedPlan> {
        self.shared.get()
    }

    pub(super) fn policy(&self) -> &BudgetPolicy {
        &self.policy
    }

    pub(super) fn spent_by_payers(&self) -> Vec<(Payer, u32)> {
        self.state.lock().spent_by.iter().map(|(payer, calls)| (*payer, *calls)).collect()
    }

    pub(super) fn elsewhere(&self, payer: Option<Payer>) -> Elsewhere {
        self.shared().map(|plan| plan.elsewhere(payer)).unwrap_or_default()
    }

    /// Adds calls of an earlier process, by their ends.
    pub(super) fn restore(&self, ends: impl IntoIterator<Item = Instant>) {
        let mut state = self.state.lock();
        state.ended.extend(ends.into_iter().map(|at| EndedCall { at, payer: None }));
        state.ended.make_contiguous().sort_by_key(|call| call.at);
    }

    /// Takes in what another process knows of the same calls, and of its own: of the newest calls, of the second newest and so
    /// on, the later end counts. Calls under way count besides: the other process may not know them.
    pub(super) fn merge(&self, mut ends: Vec<Instant>) {
        let mut state = self.current();
        ends.sort_unstable_by(|one, other| other.cmp(one));
        let known = state.ended.len();
        for (nth, end) in ends.into_iter().enumerate() {
            match known.checked_sub(nth + 1) {
                Some(nth_newest) => state.ended[nth_newest].at = state.ended[nth_newest].at.max(end),
                None => state.ended.push_back(EndedCall { at: end, payer: None }),
            }
        }
        state.ended.make_contiguous().sort_by_key(|call| call.at);
    }

    /// Whether `reserve` would succeed.
    pub(in crate::upstream) fn would_reserve(
        &self,
        n: u32,
        need: Need,
        payer: Option<Payer>,
    ) -> Result<(), BudgetExhausted> {
        self.shared().map_or(Ok(()), SharedPlan::would_acquire)?;
        let elsewhere = self.elsewhere(payer);
        self.check(&self.current(), elsewhere, n, need, payer)
    }

    /// Completes when reservations have been given back since this was called.
    pub(in crate::upstream) fn released(&self) -> Notified<'_> {
        self.released.notified()
    }

    pub(super) fn check(
        &self,
        state: &LedgerState,
        elsewhere: Elsewhere,
        n: u32,
        need: Need,
        payer: Option<Payer>,
    ) -> Result<(), BudgetExhausted> {
        let now = self.clock.now();
        let (bound, reason) = match need {
            Need::Missing => (self.policy.spendable(), "plan"),
            Need::Refresh { .. } => (self.policy.for_refreshing(), "reserve"),
        };
        let fits = |counted: u32, own: u32, n: u32| {
            let share = payer.is_none() || own + n <= self.policy.share(counted - own);
            (counted + n <= bound, share)
        };
        let (counted, own) = counts(state, elsewhere, payer);
        let own_reserved = payer.map_or(0, |payer| state.reserved_by(payer));
        let within_plan = counted + state.reserved + n <= bound;
        let within_share = payer.is_none()
            || own + own_reserved + n <= self.policy.share(counted + state.reserved - own - own_reserved);
        let blocked = self.blocked(state, n + state.reserved, now);
        if within_plan && within_share && blocked.is_none() {
            return Ok(());
        }
        let reason = if blocked.is_some() {
            "blocked"
        } else if within_plan {
            "share"
        } else {
            reason
        };
        let free = fits(counted, own, n);
        let reserved = free == (true, true) && self.blocked(state, n, now).is_none();
        let mut available_at = now + RESERVATION_WAIT;
        if !reserved {
            let expired = self.expiry(state, elsewhere, payer, |counted, own| fits(counted, own, n) == (true, true));
            available_at = expired.into_iter().chain(blocked).max().unwrap_or(available_at).max(now);
        }
        Err(BudgetExhausted { reason, available_at, reserved })
    }

    /// Until when the vendor wants no call, or not `n` more.
    pub(super) fn blocked(&self, state: &LedgerState, n: u32, now: Instant) -> Option<Instant> {
        let paused = state.pause.until(now);
        let quota = state.vendor.remaining(now);
        let quota = quota.filter(|(left, limit, _)| left.saturating_sub(self.policy.headroom(*limit)) < n);
        paused.max(quota.map(|(_, _, resets_at)| resets_at))
    }

    /// When so many of the oldest calls no longer count that `fits` says yes of all calls and the payer's; `None` when it says
    /// yes now. Calls under way count for at least another window.
    pub(super) fn expiry(
        &self,
        state: &LedgerState,
        elsewhere: Elsewhere,
        payer: Option<Payer>,
        fits: impl Fn(u32, u32) -> bool,
    ) -> Option<Instant> {
        let (mut counted, mut own) = counts(state, elsewhere, payer);
        let mut at = None;
        for call in &state.ended {
            if fits(counted, own) {
                return at;
            }
            counted -= 1;
            own -= u32::from(payer.is_some() && call.payer == payer);
            at = Some(call.at + self.policy.window);
        }
        let later = self.clock.now() + self.policy.window;
        if fits(counted, own) { at } else { Some(elsewhere.next_expiry().unwrap_or(later).min(later)) }
    }

    /// How short the plan is.
    pub(in crate::upstream) fn pressure(&self) -> Pressure {
        let elsewhere = self.elsewhere(None);
        let state = self.current();
        let now = self.clock.now();
        let mut used = f64::from(state.counted() + state.reserved + elsewhere.calls)
            / f64::from(self.policy.for_refreshing().max(1));
        // The part of the window in which that was spent: as much of the plan may be, and a little.
        let there = elsewhere.first_expiry.map_or(Duration::ZERO, |at| self.policy.window.saturating_sub(at - now));
        let first = state.ended.front().map_or(Duration::ZERO, |call| now - call.at).max(there);
        let spent_in = first.as_secs_f64() / self.policy.window.as_secs_f64();
        // What counts because it is unknown was not spent in that time.
        let unknown = f64::from(elsewhere.unknown.0) / f64::from(self.policy.for_refreshing().max(1));
        let paced = if unknown > 0.0 { (used - unknown) / (1.0 - unknown).max(1e-6) } else { used };
        let ahead = if paced < STRETCH_FLOOR { 0.0 } else { paced / spent_in.max(1e-3) };
        if let Some((remaining, Some(limit), _)) = state.vendor.remaining(now) {
            used = used.max(1.0 - f64::from(remaining) / f64::from(limit.max(1)));
        }
        let left = (1.0 - used).max(1e-6);
        let stretch = ahead.powi(4).max((1.0 - LOW_WATERMARK) / left).max(1.0);
        Pressure { stretch, low: used > LOW_WATERMARK }
    }

    /// The rest of the share of the payer, or of every caller with the credential. Reservations are not spent.
    pub(in crate::upstream) fn share(&self, payer: Option<Payer>) -> BudgetShare {
        let elsewhere = self.elsewhere(payer);
        let state = self.current();
        let now = self.clock.now();
        let spendable = self.policy.spendable();
        let mut remaining = spendable.saturating_sub(state.counted() + elsewhere.calls);
        let first = state.ended.front().map(|call| call.at + self.policy.window);
        let first = first.into_iter().chain(elsewhere.next_expiry()).min();
        let mut reset = first.or_else(|| (!state.open.is_empty()).then(|| now + self.policy.window)).unwrap_or(now);
        if let Some((left, of, resets_at)) = state.vendor.remaining(now) {
            let left = left.saturating_sub(self.policy.headroom(of));
            if left < remaining {
                (remaining, reset) = (left, resets_at);
            }
        }
        if let Some(until) = state.pause.until(now) {
            (remaining, reset) = (0, until);
        }
        let limit = payer.map_or(spendable, |payer| {
            let (counted, own) = counts(&state, elsewhere, Some(payer));
            let limit = self.policy.share(counted - own);
            remaining = remaining.min(limit.saturating_sub(own));
            limit
        });
        BudgetShare { limit, remaining, reset: reset - now, window: self.policy.window }
    }

    /// The vendor answered 429 to a call that was started then; the length of the pause.
    pub(in crate::upstream) fn rate_limited(&self, asked: Duration, started: Instant) -> Duration {
        self.state.lock().pause.rate_limited(asked, started, self.clock.now())
    }

    /// The vendor answered something else to a call that was started then.
    pub(in crate::upstream) fn answered(&self, started: Instant) {
        self.state.lock().pause.answered(started);
    }

    /// The vendor said how much is left, in an answer to a call that is still under way.
    pub(in crate::upstream) fn observe(&self, said: RateLimit) {
        let mut state = self.state.lock();
        let in_flight = u32::try_from(state.open.len().saturating_sub(1)).unwrap_or(u32::MAX);
        state.vendor.observe(said, in_flight, self.clock.now());
    }

    /// Whether nothing would be lost by dropping it.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.current();
        state.counted() == 0 && state.reserved == 0 && state.pause.until(self.clock.now()).is_none()
    }

    /// When each call that counts has ended, or will have at the latest.
    pub(super) fn ends(&self) -> Vec<Instant> {
        let state = self.current();
        state.ended.iter().map(|call| call.at).chain(state.open.values().map(|call| call.latest_end)).collect()
    }

    /// Stops counting a payer's calls. Only for the total of unaccepted credentials, whose calls have ledgers of their own.
    pub(super) fn discharge(&self, payer: Payer) {
        let mut state = self.state.lock();
        state.ended.retain(|call| call.payer != Some(payer));
        state.open.retain(|_, call| call.payer != Some(payer));
        state.spent_by.remove(&payer);
        drop(state);
        self.released.notify_waiters();
    }

    pub(super) fn start(&self, latest_end: Instant, payer: Option<Payer>) -> u64 {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, StartedCall { latest_end, payer });
        if let Some(payer) = payer {
            *state.spent_by.entry(payer).or_default() += 1;
        }
        state.vendor.call_started();
        number
    }

    pub(super) fn end(&self, number: u64) {
        let mut state = self.state.lock();
        if let Some(call) = state.open.remove(&number) {
            state.ended.push_back(EndedCall { at: self.clock.now(), payer: call.payer });
        }
    }

    pub(super) fn cancel(&self, number: u64) {
        let mut state = self.state.lock();
        if let Some(call) = state.open.remove(&number)
            && let Some(payer) = call.payer
        {
            subtract(&mut state.spent_by, payer, 1);
        }
        drop(state);
        self.released.notify_waiters();
    }

    pub(super) fn give_back(&self, n: u32, payer: Option<Payer>) {
        if n == 0 {
            return;
        }
        let mut state = self.state.lock();
        state.reserved = state.reserved.saturating_sub(n);
        if let Some(payer) = payer {
            subtract(&mut state.reserved_by, payer, n);
        }
        drop(state);
        self.released.notify_waiters();
    }

    /// The state, without the calls that no longer count.
    pub(super) fn current(&self) -> MutexGuard<'_, LedgerState> {
        let mut state = self.state.lock();
        let now = self.clock.now();
        while let Some(call) = state.ended.front().copied().filter(|call| now - call.at >= self.policy.window) {
            state.ended.pop_front();
            if let Some(payer) = call.payer {
                subtract(&mut state.spent_by, payer, 1);
            }
        }
        state
    }
}

/// The calls that count, and the payer's own of them.
fn counts(state: &LedgerState, elsewhere: Elsewhere, payer: Option<Payer>) -> (u32, u32) {
    let own = payer.map_or(0, |payer| state.spent_by(payer));
    (state.counted() + elsewhere.calls, own + elsewhere.own)
}
