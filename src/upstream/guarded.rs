//! The guarded upstream: reads whole lists over an endpoint, within the plan, and never calls in vain.
//!
//! A load goes through these steps:
//! 1. reserve calls in the ledger (`budget`), waiting for reservations that are given back;
//! 2. for each call, get a permit (`protect/fair_permits`), ask pause, breaker and caller whether it may still be made
//!    (`attempt`), record it, write it down, make it, and record how it went;
//! 3. retry once where that may help (`protect/retry`);
//! 4. for a paged list, reserve what the first page says is left and go on.
//!
//! Invariant: no call is made that is not reserved, admitted and written down, and a call that was started has the whole
//! `upstream.attempt_timeout`, whatever became of its callers.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ahash::RandomState;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use super::budget::{BudgetExhausted, Ledger, LoadReservation};
use super::decode::RowPage;
use super::protect::{Breaker, FairPermits, HostPause, Latency, Retries, Subject};
use super::{Budget, Endpoint, FetchedRoster, Load, Need, Upstream};
use crate::compute::{ComputePool, Lane, Ticket};
use crate::config;
use crate::model::{
    BudgetShare, Caller, CallerId, Clock, Credential, CredentialId, Fault, Grant, Pressure, RefreshPlan,
};
use crate::model::{ErrorKind, PermanentToken, PlanRoom, Retry, Roster, RosterKey, UpstreamError, UpstreamStatus};
use crate::telemetry::{Metrics, Traces};

/// Of more rows than these the sorting could hold up other requests for about a millisecond.
const ROWS_INLINE: usize = 4000;
/// Accounts of which the number of pages is remembered.
const LENGTHS: u64 = 10_000;
/// After so long a list that changed while it was read may be read twice again.
pub(super) const RESTLESS: Duration = Duration::from_secs(600);
/// The part of the permits that one of several sources may have, and that unaccepted credentials have for themselves.
const SOURCE_SHARE: f64 = 0.75;
const UNACCEPTED_SHARE: f64 = 0.125;
/// When to come back where there are too many ledgers.
pub(super) const COME_BACK: Duration = Duration::from_secs(1);

/// Reads teams.
pub struct GuardedUpstream {
    pub(super) endpoint: Arc<dyn Endpoint>,
    pub(super) settings: config::UpstreamConfig,
    pub(super) budget: Budget,
    pub(super) breaker: Option<Arc<Breaker>>,
    pub(super) host_pause: Arc<Mutex<HostPause>>,
    pub(super) latency: Arc<Latency>,
    pub(super) permits: Arc<FairPermits>,
    /// For credentials that the upstream has not accepted yet.
    pub(super) unaccepted_permits: Arc<FairPermits>,
    retries: Retries,
    /// How many pages a list had that could not be read to its end, or was forgotten.
    pub(super) lengths: moka::sync::Cache<RosterKey, u32>,
    /// Lists that change while they are read, again and again: until then, reading them twice is of no use.
    pub(super) restless: moka::sync::Cache<RosterKey, Instant>,
    /// Whether the totals that the upstream says are numbers of rows, as far as is known.
    pub(super) exact_totals: AtomicBool,
    hasher: RandomState,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) traces: Traces,
    compute: ComputePool,
}

/// One load, while it goes on.
pub(super) struct Reading<'r> {
    pub(super) load: Load<'r>,
    pub(super) subject: Subject,
    pub(super) ledger: Arc<Ledger>,
    pub(super) reservation: LoadReservation,
    /// When the first call of the list was started.
    pub(super) began: Option<Instant>,
}

/// Why an attempt brought no page.
pub(super) struct FailedAttempt {
    pub(super) error: UpstreamError,
    /// Whether a call was made.
    pub(super) called: bool,
    pub(super) probe: bool,
}

impl GuardedUpstream {
    /// Reads over `endpoint`, within `budget`; `seed` is for the jitter.
    #[must_use]
    pub fn new(
        endpoint: Arc<dyn Endpoint>,
        settings: &config::UpstreamConfig,
        budget: Budget,
        seed: u64,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let latency = Arc::new(Latency::new(settings.attempt_timeout));
        let host_pause = Arc::<Mutex<HostPause>>::default();
        budget.hear_host_pauses(&host_pause);
        let breaker = settings.breaker.then(|| Arc::new(Breaker::new(seed)));
        if let Some(breaker) = &breaker {
            budget.hear_outages(breaker, &metrics);
        }
        let permits = |capacity: usize| FairPermits::new(capacity, latency.clone(), clock);
        Self {
            endpoint,
            budget,
            breaker,
            host_pause,
            permits: permits(settings.concurrency),
            unaccepted_permits: permits(part(settings.concurrency, UNACCEPTED_SHARE)),
            retries: Retries::new(settings.retry_ratio, seed),
            lengths: moka::sync::Cache::new(LENGTHS),
            restless: moka::sync::Cache::new(LENGTHS),
            exact_totals: AtomicBool::new(true),
            hasher: RandomState::new(),
            settings: settings.clone(),
            latency,
            clock,
            metrics,
            traces: Traces::default(),
            compute: ComputePool::beside_the_network(settings.concurrency),
        }
    }

    /// The same, with a pool for long lists that others use as well.
    #[must_use]
    pub fn with_compute(self, compute: ComputePool) -> Self {
        Self { compute, ..self }
    }

    /// The same, with traces of calls.
    #[must_use]
    pub fn with_traces(self, traces: Traces) -> Self {
        Self { traces, ..self }
    }

    async fn roster(&self, load: Load<'_>) -> Result<(Roster, Instant), UpstreamError> {
        let caller = load.grant.caller();
        let ledger = self.budget.ledger(&caller.credential).ok_or(ErrorKind::RateLimited(COME_BACK))?;
        let n = self.calls(load.grant, load.need);
        let reservation = self.reserve(&ledger, &load, n).await?;
        let subject = self.subject(load.grant);
        let mut reading = Reading { load, subject, ledger, reservation, began: None };
        let rows = self.rows(&mut reading).await?;
        self.metrics.drifted("unrecognized_value", rows.drift.unrecognized_values);
        self.metrics.drifted("unknown_field", rows.drift.unknown_fields);
        self.metrics.drifted("skipped_row", rows.skipped.len());
        let began = reading.began.unwrap_or_else(|| self.clock.now());
        let fetched_at = self.clock.wall(began);
        let roster = if rows.seen() > ROWS_INLINE {
            let ticket = Ticket::shared(Lane::of(&caller.id));
            let sorted = self.compute.run(&ticket, move |_| rows.into_roster(fetched_at)).await;
            sorted.map_err(|_| ErrorKind::Internal)?
        } else {
            rows.into_roster(fetched_at)
        };
        self.metrics.drifted("duplicate_row", roster.drift().duplicate_rows);
        Ok((roster, began))
    }

    /// Reserves the calls that a list may take.
    pub(super) async fn reserve(
        &self,
        ledger: &Arc<Ledger>,
        load: &Load<'_>,
        n: u32,
    ) -> Result<LoadReservation, UpstreamError> {
        let caller = load.grant.caller();
        let reserve = || self.budget.reserve(ledger, caller, load.accepted, n, load.need);
        let start_by = self.start_by(self.subject(load.grant), load.deadline);
        self.when_available(ledger, load.need, start_by, reserve).await
    }

    /// Reserves more calls for a list that is being read.
    pub(super) async fn extend(
        &self,
        reading: &mut Reading<'_>,
        n: u32,
        deadline: Instant,
    ) -> Result<(), UpstreamError> {
        let (ledger, need) = (reading.ledger.clone(), reading.load.need);
        let start_by = self.start_by(reading.subject, deadline);
        self.when_available(&ledger, need, start_by, || reading.reservation.extend(n, need)).await
    }

    /// Tries to reserve. For a roster that is not there yet it waits, where calls will be available before it is too late to
    /// start one, or other loads may give back what they have reserved.
    async fn when_available<T>(
        &self,
        ledger: &Ledger,
        need: Need,
        start_by: Instant,
        mut reserve: impl FnMut() -> Result<T, BudgetExhausted>,
    ) -> Result<T, UpstreamError> {
        loop {
            let mut released = pin!(ledger.released());
            // From here on, so that nothing given back meanwhile is missed.
            released.as_mut().enable();
            let exhausted = match reserve() {
                Ok(reserved) => return Ok(reserved),
                Err(exhausted) => exhausted,
            };
            let now = self.clock.now();
            let Some(until) = waits(&exhausted, need, start_by, now) else {
                self.metrics.budget_refused(exhausted.reason);
                return Err(self.exhausted(&exhausted));
            };
            tokio::select! {
                () = released => {}
                () = sleep_until(until) => {}
            }
        }
    }

    /// When a call has to start at the latest to be over by `deadline`.
    pub(super) fn start_by(&self, subject: Subject, deadline: Instant) -> Instant {
        let needed = self.latency.needed(subject.source, self.clock.now());
        deadline.checked_sub(needed).unwrap_or(deadline)
    }

    /// How many calls are reserved before a list is begun, as far as its length is known.
    fn calls(&self, grant: &Grant, need: Need) -> u32 {
        if !self.settings.paged {
            return 1;
        }
        let known = match need {
            Need::Missing => self.lengths.get(grant.key()).unwrap_or(1),
            Need::Refresh { calls } => calls,
        };
        known.clamp(1, self.settings.pages_limit.min(self.budget.spendable()))
    }

    /// One call, and another one where that may help.
    pub(super) async fn call(
        &self,
        reading: &mut Reading<'_>,
        page: Option<u32>,
        deadline: Instant,
    ) -> Result<RowPage, UpstreamError> {
        let asked = self.clock.now();
        let first = self.attempt(reading, page, deadline).await;
        let now = self.clock.now();
        if first.as_ref().map_or_else(|failed| failed.called, |_| true) {
            self.retries.called(now);
        }
        let FailedAttempt { error, called, probe } = match first {
            Ok(page) => return Ok(page),
            Err(failed) => failed,
        };
        let in_time = |pause: Duration| now + pause <= self.start_by(reading.subject, deadline);
        let may_help = match error.retry() {
            Retry::Never => false,
            Retry::Once => true,
            // A silent host has told nothing about how long an answer takes now.
            Retry::OnceInTime => now - asked < (deadline - asked) / 2,
        };
        let asked_to_wait = error.retry_after().is_some();
        if !called || probe || asked_to_wait || !may_help || !in_time(Duration::ZERO) {
            return Err(error);
        }
        if reading.reservation.extend(1, reading.load.need).is_err() {
            return Err(error);
        }
        let Some(pause) = self.retries.take(now).filter(|pause| in_time(*pause)) else {
            return Err(error);
        };
        self.metrics.retried();
        sleep(pause).await;
        match self.attempt(reading, page, deadline).await {
            Ok(page) => Ok(page),
            // What was seen says more than why nothing more was.
            Err(again) => Err(if again.called { again.error } else { error }),
        }
    }

    /// The permits for a load's calls, and how many of them its source may have.
    pub(super) fn permits(&self, load: &Load<'_>) -> (&Arc<FairPermits>, usize) {
        if !load.accepted {
            return (&self.unaccepted_permits, self.settings.concurrency);
        }
        // Where callers are anonymous there is one source only.
        let alone = load.grant.caller().id == CallerId::Anonymous;
        let limit = if alone { self.settings.concurrency } else { part(self.settings.concurrency, SOURCE_SHARE) };
        (&self.permits, limit)
    }

    pub(super) fn subject(&self, grant: &Grant) -> Subject {
        let caller = grant.caller();
        let source = self.hasher.hash_one((caller.credential.id(), &caller.id));
        Subject { source, account: self.hasher.hash_one(grant.key()) }
    }

    pub(super) fn exhausted(&self, exhausted: &BudgetExhausted) -> UpstreamError {
        ErrorKind::RateLimited(exhausted.available_at.saturating_duration_since(self.clock.now())).into()
    }

    /// The host has asked to be left alone.
    pub(super) fn paused(&self) -> Option<UpstreamError> {
        let now = self.clock.now();
        let until = self.host_pause.lock().until(now)?;
        Some(UpstreamError::from(ErrorKind::Unavailable).blaming(Fault::Local).with_retry_after(until - now))
    }
}

impl Upstream for GuardedUpstream {
    fn fetch<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<FetchedRoster, UpstreamError>> {
        self.roster(load).map(|read| read.map(|(roster, began)| FetchedRoster { roster, began })).boxed()
    }

    fn issue_token<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<PermanentToken, UpstreamError>> {
        self.token(load).boxed()
    }

    fn refusal(&self, grant: &Grant, need: Need, accepted: bool) -> Option<UpstreamError> {
        self.budget.restore_file();
        let now = self.clock.now();
        if let Some(paused) = self.paused() {
            return Some(paused);
        }
        if self.breaker.as_ref().is_some_and(|breaker| !breaker.would_admit(self.subject(grant), now)) {
            return Some(UpstreamError::from(ErrorKind::Unavailable).blaming(Fault::Local));
        }
        let n = self.calls(grant, need);
        let exhausted = self.budget.would_reserve(grant.caller(), accepted, n, need).err()?;
        let start_by = self.start_by(self.subject(grant), now + self.settings.timeout);
        let waits = waits(&exhausted, need, start_by, now).is_some();
        (!waits).then(|| {
            self.metrics.budget_refused(exhausted.reason);
            self.exhausted(&exhausted)
        })
    }

    fn pressure(&self, credential: &CredentialId) -> Pressure {
        self.budget.pressure(credential)
    }

    fn share(&self, caller: &Caller) -> Option<BudgetShare> {
        Some(self.budget.share(caller))
    }

    fn refresh_plan(&self, _credential: &CredentialId) -> Option<RefreshPlan> {
        Some(self.budget.refresh_plan())
    }

    fn room(&self, calls: &[(CredentialId, u32)]) -> Option<PlanRoom> {
        self.budget.room(calls)
    }

    fn status(&self) -> UpstreamStatus {
        self.tell()
    }

    fn meet(&self, credential: &Credential) {
        // Where there are too many ledgers, it comes with the first call.
        drop(self.budget.ledger(credential));
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.budget.close().boxed()
    }
}

/// Until when waiting for the budget makes sense; `None` when it does not.
fn waits(exhausted: &BudgetExhausted, need: Need, start_by: Instant, now: Instant) -> Option<Instant> {
    if need != Need::Missing || start_by <= now {
        return None;
    }
    if exhausted.reserved { Some(start_by) } else { Some(exhausted.available_at).filter(|at| *at <= start_by) }
}

fn part(of: usize, share: f64) -> usize {
    ((of as f64 * share) as usize).max(1)
}
