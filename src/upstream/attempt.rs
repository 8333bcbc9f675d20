//! One attempt: the one place where a call is made, between the last questions and the records of how it went.

use std::pin::pin;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::budget::ProbeClaim;
use super::guarded::{FailedAttempt, GuardedUpstream, Reading};
use super::protect::{BreakerPermit, Subject};
use super::{Called, Endpoint, Need, RateLimit, RowPage};
use crate::cluster::LeasedCall;
use crate::model::{Account, Credential, ErrorKind, Fault, UpstreamError};
use crate::telemetry::{SpanRecorder, Trace, attribute};

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
        self.attempt_with(reading, deadline, |endpoint, account, credential| {
            if let Some(page) = page {
                Trace::write(|span| span.set(attribute::PAGE, i64::from(page)));
            }
            endpoint.call(account, credential, page)
        })
        .await
    }

    /// Makes one call that can start by `deadline` less the time that a call needs.
    pub(super) async fn attempt_with<T>(
        &self,
        reading: &mut Reading<'_>,
        deadline: Instant,
        ask: impl for<'c> FnOnce(&'c dyn Endpoint, &'c Account, &'c Credential) -> BoxFuture<'c, Called<T>> + Send,
    ) -> Result<T, FailedAttempt> {
        let (permits, limit) = self.permits(&reading.load);
        let permit = permits.acquire(reading.subject.source, limit, deadline).await;
        let _permit = permit.map_err(|no_time| {
            UpstreamError::from(ErrorKind::Timeout).blaming(Fault::Local).with_retry_after(no_time.retry_after)
        })?;
        let lease = self.lease(reading, deadline).await?;
        // While it waited, much may have been learnt.
        if let Some(paused) = self.paused() {
            return Err(paused.into());
        }
        let (breaker_permit, probe_claim) = self.admit(reading.subject).await?;
        reading.load.observer.before_call()?;
        let write_limit = self.budget.write_limit();
        let latest_end = self.clock.now() + write_limit + self.settings.attempt_timeout;
        let call = reading.reservation.commit(latest_end).map_err(|exhausted| self.exhausted(&exhausted))?;
        if let Some(lease) = lease {
            lease.make();
        }
        let asked = self.clock.now();
        let written = self.budget.write().await;
        let started = self.clock.now();
        if written.is_err() || started - asked > write_limit {
            call.cancel();
            self.metrics.budget_refused("ledger");
            return Err(UpstreamError::from(ErrorKind::NotRecorded).into());
        }

        reading.load.observer.called();
        reading.began.get_or_insert(started);
        let span = self.traces.call("GET");
        if let Some(span) = span.as_ref().filter(|span| span.is_recorded()) {
            reading.load.observer.traced(span.trace().context());
        }
        let credential = &reading.load.grant.caller().credential;
        let answer = async { ask(&*self.endpoint, reading.load.grant.account(), credential).await };
        let answer = pin!(timeout_at(started + self.settings.attempt_timeout, answer));
        let answered = Trace::within(span.as_ref(), answer).await;
        let Called { result, rate_limit } =
            answered.unwrap_or_else(|_| Called { result: Err(ErrorKind::Timeout.into()), rate_limit: None });
        let now = self.clock.now();
        let outcome = result.as_ref().map_or_else(|error| error.kind().label(), |_| "ok");
        self.metrics.called(outcome, now - started);
        if let Some(span) = span {
            span.write(|span| tell(span, outcome));
            span.end();
        }
        let result = self.observe(reading, started, result, rate_limit);
        drop(call);

        let probe = breaker_permit.as_ref().is_some_and(BreakerPermit::is_probe);
        if let Some(permit) = breaker_permit {
            match result.as_ref().err().map(|error| (error.kind(), error.fault())) {
                Some((ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::BadResponse(_), fault)) => {
                    if let Some(claim) = probe_claim {
                        claim.failed(permit.next_probe_in(now));
                    }
                    if let Some(sources) = permit.failure(fault, now, &self.metrics) {
                        self.budget.tell_outage(sources);
                    }
                }
                // A refusal is an answer, too.
                None | Some(_) => {
                    if permit.success(now, &self.metrics) {
                        self.budget.tell_answered();
                    }
                }
            }
        }
        result.map_err(|error| FailedAttempt { error, called: true, probe })
    }

    /// Whether the breaker lets a call through. A probe is made only where no other replica makes one.
    async fn admit(&self, subject: Subject) -> Result<(Option<BreakerPermit<'_>>, Option<ProbeClaim>), UpstreamError> {
        let Some(breaker) = &self.breaker else { return Ok((None, None)) };
        let down = || UpstreamError::from(ErrorKind::Unavailable).blaming(Fault::Local);
        let permit = breaker.admit(subject, self.clock.now()).ok_or_else(down)?;
        if !permit.is_probe_of_all() {
            return Ok((Some(permit), None));
        }
        // Writing the call down, the call itself, and what a process may be late by.
        let longest = self.budget.write_limit() + 2 * self.settings.attempt_timeout;
        match self.budget.claim_probe(longest).await {
            Some(claim) => Ok((Some(permit), Some(claim))),
            None => {
                permit.give_way(self.clock.now());
                Err(down())
            }
        }
    }

    /// A call of the plan, where other replicas spend it, too. For a roster that is not there yet it is waited for, as long as
    /// there is time to make a call.
    async fn lease(&self, reading: &Reading<'_>, deadline: Instant) -> Result<Option<LeasedCall>, UpstreamError> {
        let start_by = self.start_by(reading.subject, deadline);
        loop {
            let exhausted = match self.budget.lease(&reading.ledger).await {
                Ok(lease) => return Ok(lease),
                Err(exhausted) => exhausted,
            };
            if reading.load.need != Need::Missing || exhausted.available_at > start_by {
                self.metrics.budget_refused(exhausted.reason);
                return Err(self.exhausted(&exhausted));
            }
            sleep_until(exhausted.available_at).await;
        }
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
                let pause = reading.ledger.rate_limited(asked, started);
                self.budget.tell_paused(&reading.ledger, pause);
                return Err(ErrorKind::RateLimited(pause).into());
            }
            Some((ErrorKind::Unavailable, _, Some(asked))) => {
                self.host_pause.lock().unavailable(asked, now);
                self.budget.tell_host_paused(asked);
            }
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

/// Records the outcome of a call.
fn tell(span: &mut SpanRecorder<'_>, outcome: &'static str) {
    span.set(attribute::OUTCOME, outcome);
    if outcome != "ok" {
        span.fail(Some(outcome));
    }
}
