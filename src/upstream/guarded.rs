//! The fetcher: reads whole teams over an endpoint, guarded. Every call goes through its one narrow place, so that none is
//! made which is not reservation, admitted and written down.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::budget::{BudgetExhausted, Ledger, Reservation};
use super::decode::pages::Pages;
use super::decode::rows::DecodedRows;
use super::interface::{Called, Endpoint, Fetched, Need, Upstream};
use super::protect::breaker::Breaker;
use super::protect::retry::Retries;
use super::{Budget, RowPage};
use crate::config;
use crate::model::Retry;
use crate::model::{BudgetShare, ErrorKind, Pressure, UpstreamError};
use crate::model::{Caller, Clock, CredentialId, Grant, Roster};
use crate::telemetry::Metrics;

/// Of more rows than these the sorting could reserve up other requests for about a millisecond.
const ROWS_INLINE: usize = 4000;

/// Reads teams.
pub struct GuardedUpstream {
    endpoint: Arc<dyn Endpoint>,
    settings: config::UpstreamConfig,
    budget: Budget,
    breaker: Option<Breaker>,
    retries: Retries,
    permits: Semaphore,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// One team's reading, while it goes on.
struct Reading<'r> {
    grant: &'r Grant,
    need: Need,
    ledger: Arc<Ledger>,
    reservation: Reservation,
    calls: &'r mut u32,
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
        Self {
            endpoint,
            budget,
            breaker: settings.breaker.then(|| Breaker::new(seed)),
            retries: Retries::new(settings.retry_ratio, seed),
            permits: Semaphore::new(settings.concurrency),
            settings: settings.clone(),
            clock,
            metrics,
        }
    }

    async fn team(&self, grant: &Grant, need: Need, calls: &mut u32) -> Result<Roster, UpstreamError> {
        let ledger = self.budget.ledger(&grant.caller().credential);
        let deadline = self.clock.now() + self.settings.timeout;
        let reservation = self.reserve(&ledger, grant, need, deadline).await?;
        let rows = self.rows(Reading { grant, need, ledger, reservation, calls }, deadline).await?;
        self.metrics.drifted("unrecognized_value", rows.drift.unrecognized_values);
        self.metrics.drifted("unknown_field", rows.drift.unknown_fields);
        self.metrics.drifted("skipped_row", rows.skipped.len());
        let fetched_at = self.clock.wall(self.clock.now());
        let roster = if rows.seen() > ROWS_INLINE {
            let sorted = tokio::task::spawn_blocking(move || rows.into_roster(fetched_at)).await;
            sorted.map_err(|_| ErrorKind::Internal)?
        } else {
            rows.into_roster(fetched_at)
        };
        self.metrics.drifted("duplicate_row", roster.drift().duplicate_rows);
        Ok(roster)
    }

    /// The whole list, in one call or page by page.
    async fn rows(&self, mut reading: Reading<'_>, deadline: Instant) -> Result<DecodedRows, UpstreamError> {
        if !self.settings.paged {
            return Ok(self.call(&mut reading, None, deadline).await?.rows);
        }
        let mut pages = Pages::new(self.settings.pages_limit, self.settings.rows_limit);
        loop {
            if reading.reservation.calls_left() == 0 {
                // The list has grown, or has to be read again.
                let more = reading.reservation.extend(self.budget.now(), 1, reading.need);
                more.map_err(|exhausted| self.exhausted(exhausted))?;
            }
            // Each page has a deadline of its own: a long list is not a slow upstream.
            let deadline = self.clock.now() + self.settings.timeout;
            let page = self.call(&mut reading, Some(pages.next()), deadline).await?;
            if let Some(rows) = pages.take(page)? {
                return Ok(rows);
            }
            if let Some(left) = pages.left() {
                reading.reservation.shrink_to(left);
            }
        }
    }

    /// Holds permits for as many calls as the whole list may take. For a team that is not there yet it waits for them, where
    /// they come before the deadline.
    async fn reserve(
        &self,
        ledger: &Arc<Ledger>,
        grant: &Grant,
        need: Need,
        deadline: Instant,
    ) -> Result<Reservation, UpstreamError> {
        let payer = self.budget.payer(grant.caller());
        loop {
            let exhausted = match ledger.reserve(self.budget.now(), self.calls(need), need, payer) {
                Ok(reservation) => return Ok(reservation),
                Err(exhausted) => exhausted,
            };
            let moment = self.clock.now() + self.until(exhausted);
            if need != Need::Missing || moment >= deadline {
                self.metrics.budget_refused(exhausted.reason);
                return Err(self.exhausted(exhausted));
            }
            sleep_until(moment).await;
        }
    }

    /// How many calls a list takes, as far as that is known.
    fn calls(&self, need: Need) -> u32 {
        let most = if self.settings.paged { self.settings.pages_limit.min(self.budget.spendable()) } else { 1 };
        match need {
            Need::Missing => most,
            Need::Refresh { calls } => calls.clamp(1, most),
        }
    }

    /// One call, and another one where that may help.
    async fn call(
        &self,
        reading: &mut Reading<'_>,
        page: Option<u32>,
        deadline: Instant,
    ) -> Result<RowPage, UpstreamError> {
        let started = self.clock.now();
        self.retries.called(started);
        let (error, probe) = match self.attempt(reading, page, deadline).await {
            Ok(page) => return Ok(page),
            Err(failed) => failed,
        };
        let now = self.clock.now();
        let in_time = match error.retry() {
            Retry::Never => false,
            Retry::Once => now < deadline,
            Retry::OnceInTime => now - started < (deadline - started) / 2,
        };
        if probe || !in_time || reading.reservation.extend(self.budget.now(), 1, reading.need).is_err() {
            return Err(error);
        }
        let Some(pause) = self.retries.take(now).filter(|pause| now + *pause < deadline) else {
            return Err(error);
        };
        self.metrics.retried();
        sleep(pause).await;
        self.attempt(reading, page, deadline).await.map_err(|(again, _)| match again.kind() {
            // Meanwhile the breaker has opened, or all permits are taken: what was seen says more.
            ErrorKind::Unavailable => error,
            _ => again,
        })
    }

    /// The one place where a call is made. The error comes with whether the call was a probe.
    async fn attempt(
        &self,
        reading: &mut Reading<'_>,
        page: Option<u32>,
        deadline: Instant,
    ) -> Result<RowPage, (UpstreamError, bool)> {
        let not_made = |kind: ErrorKind| (UpstreamError::from(kind), false);
        let Ok(place) = timeout_at(deadline, self.permits.acquire()).await else {
            // Too many calls are under way, and none came back in time.
            return Err(not_made(ErrorKind::Unavailable));
        };
        let _place = place.map_err(|_| not_made(ErrorKind::Internal))?;
        let permit = match &self.breaker {
            None => None,
            Some(breaker) => Some(breaker.admit(self.clock.now()).ok_or_else(|| not_made(ErrorKind::Unavailable))?),
        };
        reading.reservation.commit(self.budget.now());
        *reading.calls += 1;
        self.budget.write().await;

        let started = self.clock.now();
        let deadline = deadline.min(started + self.settings.attempt_timeout);
        let credential = &reading.grant.caller().credential;
        let call = self.endpoint.call(reading.grant.account(), credential, page);
        let called = timeout_at(deadline, call).await;
        let Called { result, rate_limit } =
            called.unwrap_or_else(|_| Called { result: Err(ErrorKind::Timeout.into()), rate_limit: None });
        let outcome = result.as_ref().map_or_else(|error| error.kind().label(), |_| "ok");
        let now = self.clock.now();
        self.metrics.called(outcome, now - started);

        let kind = result.as_ref().map_err(UpstreamError::kind).err();
        self.observe(reading, kind, rate_limit);
        let probe = permit.as_ref().is_some_and(|permit| permit.is_probe());
        if let Some(permit) = permit {
            match kind {
                Some(ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::BadResponse(_)) => {
                    permit.failure(now, &self.metrics)
                }
                // A refusal is an answer, too.
                None | Some(_) => permit.success(now, &self.metrics),
            }
        }
        result.map_err(|error| (error, probe))
    }

    /// What an answer says of the credential and its plan.
    fn observe(&self, reading: &Reading<'_>, kind: Option<ErrorKind>, rate_limit: Option<super::RateLimit>) {
        let now = self.budget.now();
        if let Some(limit) = rate_limit {
            reading.ledger.observe(limit, now);
        }
        match kind {
            Some(ErrorKind::RateLimited(after)) => reading.ledger.pause_until(now.saturating_add(millis(after))),
            Some(ErrorKind::Unauthenticated) => self.budget.reject(reading.grant.caller().credential.id()),
            None | Some(ErrorKind::Rejected(_) | ErrorKind::Forbidden) => reading.ledger.accept(),
            Some(_) => {}
        }
    }

    fn until(&self, exhausted: BudgetExhausted) -> Duration {
        Duration::from_millis(u64::try_from(exhausted.until - self.budget.now()).unwrap_or(0))
    }

    fn exhausted(&self, exhausted: BudgetExhausted) -> UpstreamError {
        ErrorKind::RateLimited(self.until(exhausted)).into()
    }
}

impl Upstream for GuardedUpstream {
    fn fetch<'a>(&'a self, grant: &'a Grant, need: Need) -> BoxFuture<'a, Fetched> {
        async move {
            let mut calls = 0;
            let result = self.team(grant, need, &mut calls).await;
            Fetched { calls, result }
        }
        .boxed()
    }

    fn refusal(&self, grant: &Grant, need: Need) -> Option<UpstreamError> {
        if self.breaker.as_ref().is_some_and(|breaker| !breaker.would_admit(self.clock.now())) {
            return Some(ErrorKind::Unavailable.into());
        }
        let ledger = self.budget.known(grant.caller().credential.id())?;
        let payer = self.budget.payer(grant.caller());
        let exhausted = ledger.would_reserve(self.budget.now(), self.calls(need), need, payer).err()?;
        let waits = need == Need::Missing && self.until(exhausted) < self.settings.timeout;
        (!waits).then(|| {
            self.metrics.budget_refused(exhausted.reason);
            self.exhausted(exhausted)
        })
    }

    fn pressure(&self, credential: &CredentialId) -> Pressure {
        self.budget.pressure(credential)
    }

    fn share(&self, caller: &Caller) -> Option<BudgetShare> {
        Some(self.budget.share(caller))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
