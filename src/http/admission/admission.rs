//! Admission control: requests past a limit are refused at once, so that admitted ones stay fast. No caller takes another's
//! share of permits and memory.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Response;
use futures_util::StreamExt;
use tokio::time::sleep;

use super::auth_throttle::FailedAuthLimiter;
use super::body_memory::{BodyMemory, BodyReservation};
use super::busy::busy;
use super::caller_key::CallerKey;
use super::permits::{Permit, Permits};
use super::rates::Rates;
use super::response_memory::{CallerRoom, EventMemory, HeldBody, ResponseMemory};
use super::turns::Turns;
use crate::compute::{Hold, Room};
use crate::config;
use crate::graphql::{AnswerBody, Code};
use crate::http::response::error::HttpError;
use crate::model::CallerLimits;

/// How long an event waits where there is no room for its bytes, before it is looked again.
const ROOM_WAIT: Duration = Duration::from_millis(100);

/// Permits for requests under way, memory for their bodies and answers, and the rates of callers.
pub struct AdmissionControl {
    permits: Permits,
    bodies: BodyMemory,
    responses: ResponseMemory,
    rates: Rates,
    turns: Turns,
    pub(in crate::http) failed_auth: FailedAuthLimiter,
}

impl AdmissionControl {
    /// With the limits of these settings.
    #[must_use]
    pub fn new(settings: &config::HttpConfig) -> Self {
        let bytes = |size: config::Size| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        Self {
            permits: Permits::new(settings.concurrency, settings.caller_concurrency),
            bodies: BodyMemory::new(bytes(settings.bodies_limit)),
            responses: ResponseMemory::new(bytes(settings.responses_limit)),
            rates: Rates::new(settings.rate_limit, settings.rate_burst),
            turns: Turns::of_requests(),
            failed_auth: FailedAuthLimiter::new(settings.failed_auth_limit, settings.failed_auth_rate),
        }
    }

    /// Whether other settings have the same limits, so that what is counted by these can go on.
    #[must_use]
    pub fn is_same(one: &config::HttpConfig, other: &config::HttpConfig) -> bool {
        let limits = |settings: &config::HttpConfig| {
            let rate = (settings.rate_limit, settings.rate_burst);
            let failures = (settings.failed_auth_limit, settings.failed_auth_rate);
            let permits = (settings.concurrency, settings.caller_concurrency);
            (rate, failures, permits, settings.bodies_limit, settings.responses_limit)
        };
        limits(one) == limits(other)
    }

    /// Counts a request against its caller's rate.
    pub(in crate::http) fn check_rate(&self, key: &CallerKey, limits: CallerLimits) -> Result<(), HttpError> {
        self.rates.check(key, limits)
    }

    /// Refuses a caller, or an address, whose answers are not taken.
    pub(in crate::http) fn check_responses(&self, key: &CallerKey) -> Result<(), HttpError> {
        if self.responses.has_room(key) { Ok(()) } else { Err(busy("too many answers wait to be taken")) }
    }

    /// Reads a body of at most `limit` bytes behind a head of so many. It takes no permit meanwhile, however slowly it comes, but
    /// memory for what has come, for as long as what is returned is kept.
    pub(in crate::http) async fn read(
        &self,
        key: &CallerKey,
        (head, body): (usize, Body),
        limit: usize,
    ) -> Result<ReadBody, HttpError> {
        let too_large = || HttpError::new(Code::RequestTooLarge, "the body is larger than allowed");
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large());
        }
        let mut memory = self.bodies.open(key);
        memory.grow(head)?;
        let length = body.size_hint().exact();
        let (mut whole, mut pieces, mut chunks) = (Bytes::new(), Vec::new(), body.into_data_stream());
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| HttpError::unreadable("the body ends too early"))?;
            if pieces.len() + chunk.len() > limit {
                return Err(too_large());
            }
            memory.grow(chunk.len())?;
            // Most bodies come in one piece, which is used as it is.
            if length == Some(chunk.len() as u64) {
                whole = chunk;
            } else {
                pieces.extend_from_slice(&chunk);
            }
        }
        let bytes = if pieces.is_empty() { whole } else { pieces.into() };
        Ok(ReadBody { bytes, memory })
    }

    /// Admits one more request of this caller, whose answers take room of `payer`'s.
    pub(in crate::http) fn admit(
        &self,
        key: CallerKey,
        payer: &CallerKey,
        limits: CallerLimits,
    ) -> Result<Arc<AdmittedRequest>, HttpError> {
        let permit = self.permits.acquire(key, limits.concurrency)?;
        Ok(Arc::new(AdmittedRequest { _permit: permit, room: self.responses.room_of(payer) }))
    }

    /// Does the work of a request that was admitted, in turn where its caller has many for a worker at once.
    pub(in crate::http) async fn take_turns<T>(&self, payer: &CallerKey, work: Pin<&mut impl Future<Output = T>>) -> T {
        self.turns.take(payer, work).await
    }

    /// Memory for an event of a stream, until its last byte has left. Waits until there is room.
    pub(in crate::http) async fn hold_event(&self, key: &CallerKey, bytes: usize) -> EventMemory {
        loop {
            match self.responses.reserve_event(key, bytes) {
                Some(memory) => return memory,
                None => sleep(ROOM_WAIT).await,
            }
        }
    }

    /// A response whose bytes are counted until the last of them has left; `permit` is held as long.
    pub(in crate::http) fn hold_response(
        &self,
        key: &CallerKey,
        response: Response<AnswerBody>,
        permit: Hold,
    ) -> Result<Response<Body>, HttpError> {
        let answer = response.body();
        // What was counted where it was written is counted already.
        match self.responses.reserve(key, answer.len().saturating_sub(answer.room().bytes())) {
            Some(memory) => Ok(response.map(|answer| HeldBody::of(answer, memory, permit))),
            None => Err(busy("too many answers wait to be taken")),
        }
    }
}

/// A request that was admitted: its permit, and the room of its answers.
pub(in crate::http) struct AdmittedRequest {
    _permit: Permit,
    room: CallerRoom,
}

impl Room for AdmittedRequest {
    fn is_left(&self) -> bool {
        self.room.is_left()
    }

    fn reserve(&self, bytes: usize) -> Option<Hold> {
        self.room.reserve(bytes)
    }
}

/// A body, with the memory that it holds.
pub(in crate::http) struct ReadBody {
    pub(in crate::http) bytes: Bytes,
    pub(in crate::http) memory: BodyReservation,
}
