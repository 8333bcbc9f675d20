//! The circuit breaker of the host: stops calling a host that fails, and finds out that it is back by one probe at a time.
//!
//! Closed, every call passes. It opens when distinct accounts have failed since the host's last answer: three whose calls
//! failed because of the host, or five that failed in any way. One source (credential and caller) alone does not open it while
//! others are answered, and what only one source has seen never refuses another. Open, one call at a time passes as a probe
//! when the backoff allows it; accounts take turns, and so do replicas. Any answer that shows a working host closes it, a refusal
//! included.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::latency::SourceId;
use super::probe_backoff;
use crate::model::Fault;
use crate::telemetry::Metrics;

/// So many distinct accounts with failures of the host open it, or so many with failures of any kind.
const HOST_FAILURES: usize = 3;
const FAILURES: usize = 5;
/// Failures older than this are no evidence, and a source that was answered within it shows a working host.
const RECENT: Duration = Duration::from_secs(60);
/// A host that has answered here so shortly before another replica gave it up is asked on.
const DOUBT: Duration = Duration::from_secs(1);
/// Failures and answered sources that are remembered.
const REMEMBERED: usize = 256;
/// Accounts that have probed and give way to others.
const PROBED: usize = 16;
/// How long they give way, while others ask.
const TURN: Duration = Duration::from_millis(100);
/// How soon it is looked again whether another replica still probes.
const ELSEWHERE: Duration = Duration::from_millis(200);

/// The subject of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::upstream) struct Subject {
    pub(in crate::upstream) source: SourceId,
    /// A hash of the account.
    pub(in crate::upstream) account: u64,
}

pub(in crate::upstream) struct Breaker {
    state: Mutex<BreakerState>,
}

struct BreakerState {
    random: fastrand::Rng,
    /// Failures since the host's last answer, one for each account.
    failures: VecDeque<HostFailure>,
    /// When each source was last answered.
    answered: HashMap<SourceId, Instant>,
    outage: Option<Outage>,
}

struct HostFailure {
    subject: Subject,
    fault: Fault,
    at: Instant,
}

struct Outage {
    since: Instant,
    next_probe: Instant,
    probing: bool,
    /// Whether another replica has been answered since this one probed.
    answered_elsewhere: bool,
    /// The accounts of the last probes.
    probed: VecDeque<u64>,
    /// When an account that has not probed lately was last refused.
    others: Option<Instant>,
}

/// Lets one call through and records how it went. Dropped without a result, it says nothing about the host.
pub(in crate::upstream) struct BreakerPermit<'b> {
    breaker: &'b Breaker,
    subject: Subject,
    probe: Option<ProbeScope>,
}

/// Whether a probe is one of all replicas, or finds out for this one what another has found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProbeScope {
    OfAll,
    OfThis,
}

impl Breaker {
    pub(in crate::upstream) fn new(seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        let state = BreakerState { random, failures: VecDeque::new(), answered: HashMap::new(), outage: None };
        Self { state: Mutex::new(state) }
    }

    /// Whether a call would be let through at `now`.
    pub(in crate::upstream) fn would_admit(&self, subject: Subject, now: Instant) -> bool {
        let mut state = self.state.lock();
        if state.passes(subject) {
            return true;
        }
        state.outage.as_mut().is_none_or(|outage| outage.admits(subject, now))
    }

    /// Lets a call through, as a probe while the breaker is open; `None` when none is due.
    pub(in crate::upstream) fn admit(&self, subject: Subject, now: Instant) -> Option<BreakerPermit<'_>> {
        let mut state = self.state.lock();
        let mut probe = None;
        if !state.passes(subject) {
            let BreakerState { random, outage, .. } = &mut *state;
            if let Some(outage) = outage {
                if !outage.admits(subject, now) {
                    return None;
                }
                let answered = std::mem::take(&mut outage.answered_elsewhere);
                probe = Some(if answered { ProbeScope::OfThis } else { ProbeScope::OfAll });
                outage.probing = true;
                // From the start of this probe: a silent host must not put off the next one.
                outage.next_probe = now + probe_backoff(now - outage.since, random);
                if outage.probed.len() == PROBED {
                    outage.probed.pop_front();
                }
                outage.probed.push_back(subject.account);
            }
        }
        drop(state);
        Some(BreakerPermit { breaker: self, subject, probe })
    }

    /// When the next probe may go out, while it is open.
    pub(in crate::upstream) fn next_probe(&self) -> Option<Instant> {
        self.state.lock().outage.as_ref().map(|outage| outage.next_probe)
    }

    /// Another replica has opened its breaker `age` ago, because calls of so many sources had failed. This one opens, too, unless
    /// the host has answered here since or shortly before: what ails may be that replica's own network, or its one caller.
    pub(in crate::upstream) fn heard_of_outage(&self, sources: u64, age: Duration, now: Instant, metrics: &Metrics) {
        let mut state = self.state.lock();
        let doubt = if sources > 1 { DOUBT } else { RECENT };
        let answered = state.answered.values().any(|at| now.saturating_duration_since(*at) < age + doubt);
        if state.outage.is_none() && !answered && age < RECENT {
            state.open(now, metrics);
        }
    }

    /// Another replica was answered: a probe may go out at once, also beside those of others.
    pub(in crate::upstream) fn heard_of_answer(&self, now: Instant) {
        if let Some(outage) = &mut self.state.lock().outage {
            outage.next_probe = outage.next_probe.min(now);
            outage.answered_elsewhere = true;
        }
    }
}

impl BreakerState {
    /// Whether the breaker is closed, or open for another source alone.
    fn passes(&self, subject: Subject) -> bool {
        let other = |failure: &HostFailure| failure.subject.source != subject.source;
        match self.outage {
            None => true,
            Some(_) => self.sources() == 1 && self.failures.iter().all(other),
        }
    }

    /// How many sources have failures.
    fn sources(&self) -> usize {
        self.failures.iter().map(|failure| failure.subject.source).collect::<HashSet<_>>().len()
    }

    fn record(&mut self, failure: HostFailure) {
        let now = failure.at;
        // While the breaker is open, they say for whom.
        let open = self.outage.is_some();
        self.failures.retain(|known| known.subject != failure.subject && (open || now - known.at < RECENT));
        if self.failures.len() == REMEMBERED {
            self.failures.pop_front();
        }
        self.failures.push_back(failure);
    }

    fn open(&mut self, now: Instant, metrics: &Metrics) {
        let next_probe = now + probe_backoff(Duration::ZERO, &mut self.random);
        self.outage = Some(Outage {
            since: now,
            next_probe,
            probing: false,
            answered_elsewhere: false,
            probed: VecDeque::new(),
            others: None,
        });
        metrics.breaker(true);
        tracing::warn!("the upstream keeps failing: calling it only to see whether it is back");
    }

    fn is_down(&self, now: Instant) -> bool {
        let host = self.failures.iter().filter(|failure| failure.fault == Fault::Host).count();
        if host < HOST_FAILURES && self.failures.len() < FAILURES {
            return false;
        }
        let failing = |source: &SourceId| self.failures.iter().any(|failure| failure.subject.source == *source);
        let mut answered = self.answered.iter().filter(|(_, at)| now - **at < RECENT);
        self.sources() > 1 || answered.all(|(source, _)| failing(source))
    }
}

impl Outage {
    fn admits(&mut self, subject: Subject, now: Instant) -> bool {
        let has_probed = self.probed.contains(&subject.account);
        let others_ask = self.others.is_some_and(|refused| now - refused < TURN);
        let gives_way = has_probed && others_ask && now < self.next_probe + TURN;
        let admitted = !self.probing && now >= self.next_probe && !gives_way;
        if !admitted && !has_probed {
            self.others = Some(now);
        }
        admitted
    }
}

impl BreakerPermit<'_> {
    pub(in crate::upstream) fn is_probe(&self) -> bool {
        self.probe.is_some()
    }

    /// Whether one replica at a time makes such a call.
    pub(in crate::upstream) fn is_probe_of_all(&self) -> bool {
        self.probe == Some(ProbeScope::OfAll)
    }

    /// How long until the next probe is due.
    pub(in crate::upstream) fn next_probe_in(&self, now: Instant) -> Duration {
        let state = self.breaker.state.lock();
        state.outage.as_ref().map_or(Duration::ZERO, |outage| outage.next_probe.saturating_duration_since(now))
    }

    /// Another replica probes: this call is not made, and its account has had no turn.
    pub(in crate::upstream) fn give_way(self, now: Instant) {
        if let Some(outage) = &mut self.breaker.state.lock().outage {
            outage.next_probe = now + ELSEWHERE;
            outage.probed.pop_back();
        }
    }

    /// The host answered as a working one does; whether that has closed the breaker.
    pub(in crate::upstream) fn success(self, now: Instant, metrics: &Metrics) -> bool {
        let mut state = self.breaker.state.lock();
        state.failures.clear();
        if state.answered.len() >= REMEMBERED && !state.answered.contains_key(&self.subject.source) {
            state.answered.retain(|_, at| now - *at < RECENT);
            if state.answered.len() >= REMEMBERED {
                // So many are proof enough.
                state.answered.clear();
            }
        }
        state.answered.insert(self.subject.source, now);
        let closed = state.outage.take().is_some();
        if closed {
            metrics.breaker(false);
            tracing::info!("the upstream answers again");
        }
        closed
    }

    /// The call failed through the fault of the host or of the account; with how many sources whose calls have failed, where
    /// that has opened the breaker.
    pub(in crate::upstream) fn failure(self, fault: Fault, now: Instant, metrics: &Metrics) -> Option<u64> {
        if fault == Fault::Local {
            return None;
        }
        let mut state = self.breaker.state.lock();
        state.record(HostFailure { subject: self.subject, fault, at: now });
        (state.outage.is_none() && state.is_down(now)).then(|| {
            state.open(now, metrics);
            state.sources() as u64
        })
    }
}

impl Drop for BreakerPermit<'_> {
    fn drop(&mut self) {
        if self.probe.is_some()
            && let Some(outage) = &mut self.breaker.state.lock().outage
        {
            outage.probing = false;
        }
    }
}
