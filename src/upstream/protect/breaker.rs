//! The breaker: stops calling a host that fails, and finds out that it is back by one caller's own load at a time.
//!
//! Closed, every call passes. Five failures in a row, or half of at least twenty calls within ten seconds, open it. Open, one
//! call at a time passes, a probe, when the schedule has one due; everybody else is told so at once. Any answer that shows a
//! working host closes it, a refusal as much as a team.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::telemetry::Metrics;

/// So many failures in a row open it.
const IN_A_ROW: u32 = 5;
/// Or this share of the calls of the window, where there were enough of them to tell.
const WINDOW: Duration = Duration::from_secs(10);
const ENOUGH: usize = 20;

/// The breaker of one host.
pub(in crate::upstream) struct Breaker {
    state: Mutex<BreakerState>,
}

struct BreakerState {
    random: fastrand::Rng,
    failures_in_a_row: u32,
    /// Calls within the window, oldest first, and whether each failed.
    recent: VecDeque<(Instant, bool)>,
    outage: Option<Outage>,
}

struct Outage {
    since: Instant,
    next_probe: Instant,
    probing: bool,
}

/// Lets one call through; tells the breaker how it went. Dropped without a word, the call says nothing of the host.
pub(in crate::upstream) struct Permit<'b> {
    breaker: &'b Breaker,
    probe: bool,
}

impl Breaker {
    pub(in crate::upstream) fn new(seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { state: Mutex::new(BreakerState { random, failures_in_a_row: 0, recent: VecDeque::new(), outage: None }) }
    }

    /// Whether a call would be let through at `now`.
    pub(in crate::upstream) fn would_admit(&self, now: Instant) -> bool {
        self.state().outage.as_ref().is_none_or(|outage| outage.admits(now))
    }

    /// Lets a call through, as a probe while the host is taken to be down; `None` when none is due.
    pub(in crate::upstream) fn admit(&self, now: Instant) -> Option<Permit<'_>> {
        let mut state = self.state();
        let BreakerState { random, outage, .. } = &mut *state;
        let probe = match outage {
            None => false,
            Some(outage) if outage.admits(now) => {
                outage.probing = true;
                // From here, not from the probe's end: silence must not put the next one off.
                outage.next_probe = now + super::backoff::probe_backoff(now - outage.since, random);
                true
            }
            Some(_) => return None,
        };
        drop(state);
        Some(Permit { breaker: self, probe })
    }

    fn state(&self) -> MutexGuard<'_, BreakerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    pub(in crate::upstream) fn is_probe(&self) -> bool {
        self.probe
    }

    /// The host answered like one that works.
    pub(in crate::upstream) fn success(self, now: Instant, metrics: &Metrics) {
        let mut state = self.breaker.state();
        state.failures_in_a_row = 0;
        state.record(now, false);
        if state.outage.take().is_some() {
            state.recent.clear();
            metrics.breaker(false);
            tracing::info!("the upstream answers again");
        }
    }

    /// The host failed.
    pub(in crate::upstream) fn failure(self, now: Instant, metrics: &Metrics) {
        let mut state = self.breaker.state();
        if state.outage.is_some() {
            return;
        }
        state.failures_in_a_row += 1;
        state.record(now, true);
        let failed = state.recent.iter().filter(|(_, failed)| *failed).count();
        let half = state.recent.len() >= ENOUGH && failed * 2 >= state.recent.len();
        if state.failures_in_a_row >= IN_A_ROW || half {
            let next_probe = now + super::backoff::probe_backoff(Duration::ZERO, &mut state.random);
            state.outage = Some(Outage { since: now, next_probe, probing: false });
            metrics.breaker(true);
            tracing::warn!("the upstream keeps failing: calling it only to see whether it is back");
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe
            && let Some(outage) = &mut self.breaker.state().outage
        {
            outage.probing = false;
        }
    }
}

impl BreakerState {
    fn record(&mut self, now: Instant, failed: bool) {
        while self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.recent.pop_front();
        }
        // More say nothing that these do not.
        if self.recent.len() == 4096 {
            self.recent.pop_front();
        }
        self.recent.push_back((now, failed));
    }
}

impl Outage {
    fn admits(&self, now: Instant) -> bool {
        !self.probing && now >= self.next_probe
    }
}
