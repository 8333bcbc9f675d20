//! One attempt: the one place where a call is made, between the last questions and the records of how it went.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, timeout_at};

use super::guarded::{FailedAttempt, GuardedUpstream, Reading};
use super::protect::BreakerPermit;
use super::{Called, Endpoint, RateLimit, RowPage};
use crate::model::{Account, Credential, ErrorKind, Fault, UpstreamError};

/// The longest that writing a call down may take; later it is not made, because the file would forget it too early.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

impl From<UpstreamError> for FailedAttempt {
    /// A call that was not made.
    fn from(error: UpstreamError) -> Self {
        Self { error, called: false, probe: false }
    }
}

impl GuardedUpstream {
    /// Asks for the list, or for one page of it.
    pub(super) async fn attempt(
        &self,
        reading: &mut Reading<'_>,
        page: Option<u32>,
        deadline: Instant,
    ) -> Result<RowPage, FailedAttempt> {
        self.attempt_with(reading, deadline, |endpoint, account, credential| endpoint.call(account, credential, page))
            .await
    }

    /// Makes one call that can start by `deadline` less the time that a call needs.
    pub(super) async fn attempt_with<T>(
        &self,
        reading: &mut Reading<'_>,
        deadline: Instant,
        ask: impl for<'c> FnOnce(&'c dyn Endpoint, &'c Account, &'c Credential) -> BoxFuture<'c, Called<T>>,
    ) -> Result<T, FailedAttempt> {
        let (permits, limit) = self.permits(&reading.load);
        let permit = permits.acquire(reading.subject.source, limit, deadline).await;
        let _permit = permit.map_err(|no_time| {
            UpstreamError::from(ErrorKind::Timeout).blaming(Fault::Local).with_retry_after(no_time.retry_after)
        })?;
        // While it waited, much may have been learnt.
        if let Some(paused) = self.paused() {
            return Err(paused.into());
        }
        let breaker_permit = match &self.breaker {
            None => None,
            Some(breaker) => {
                let permit = breaker.admit(reading.subject, self.clock.now());
                Some(permit.ok_or_else(|| UpstreamError::from(ErrorKind::Unavailable).blaming(Fault::Local))?)
            }
        };
        reading.load.observer.before_call()?;
        let asked = self.clock.now();
        let latest_end = asked + WRITE_LIMIT + self.settings.attempt_timeout;
        let call = reading.reservation.commit(latest_end).map_err(|exhausted| self.exhausted(&exhausted))?;
        let written = self.budget.write().await;
        let started = self.clock.now();
        if written.is_err() || started - asked > WRITE_LIMIT {
            call.cancel();
            self.metrics.budget_refused("ledger");
            return Err(UpstreamError::from(ErrorKind::NotRecorded).into());
        }

        reading.load.observer.called();
        reading.began.get_or_insert(started);
        let credential = &reading.load.grant.caller().credential;
        let answer = ask(&*self.endpoint, reading.load.grant.account(), credential);
        let answered = timeout_at(started + self.settings.attempt_timeout, answer).await;
        let Called { result, rate_limit } =
            answered.unwrap_or_else(|_| Called { result: Err(ErrorKind::Timeout.into()), rate_limit: None });
        let now = self.clock.now();
        let outcome = result.as_ref().map_or_else(|error| error.kind().label(), |_| "ok");
        self.metrics.called(outcome, now - started);
        let result = self.observe(reading, started, result, rate_limit);
        drop(call);

        let probe = breaker_permit.as_ref().is_some_and(BreakerPermit::is_probe);
        if let Some(permit) = breaker_permit {
            match result.as_ref().err().map(|error| (error.kind(), error.fault())) {
                Some((ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::BadResponse(_), fault)) => {
                    permit.failure(fault, now, &self.metrics);
                }
                // A refusal is an answer, too.
                None | Some(_) => permit.success(now, &self.metrics),
            }
        }
        result.map_err(|error| FailedAttempt { error, called: true, probe })
    }

    /// Takes in what an answer says about host, credential and plan.
    fn observe<T>(
        &self,
        reading: &Reading<'_>,
        started: Instant,
        result: Result<T, UpstreamError>,
        rate_limit: Option<RateLimit>,
    ) -> Result<T, UpstreamError> {
        let now = self.clock.now();
        if let Some(limit) = rate_limit {
            reading.ledger.observe(limit);
        }
        let source = reading.subject.source;
        let error = result.as_ref().err().map(|error| (error.kind(), error.fault(), error.retry_after()));
        match error {
            Some((ErrorKind::Timeout, ..)) => self.latency.record(source, now - started, false, now),
            Some((_, Fault::Host, _)) => {}
            _ => self.latency.record(source, now - started, true, now),
        }
        match error {
            Some((ErrorKind::RateLimited(asked), ..)) => {
                // What the caller is told is the pause that there really is.
                return Err(ErrorKind::RateLimited(reading.ledger.rate_limited(asked, started)).into());
            }
            Some((ErrorKind::Unavailable, _, Some(asked))) => self.host_pause.lock().unavailable(asked, now),
            Some((ErrorKind::Unavailable | ErrorKind::Timeout, ..)) => {}
            Some(_) => reading.ledger.answered(started),
            None => {
                reading.ledger.answered(started);
                if !reading.load.accepted {
                    self.budget.accept(reading.load.grant.caller().credential.id());
                }
            }
        }
        result
    }
}
