//! AdmissionControl: what is too much is refused at once, so that what is admitted stays fast, and no caller takes another's share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use axum::body::{Body, HttpBody};
use futures_util::StreamExt;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::auth_throttle::FailedAuthLimiter;
use super::client_ip::network;
use crate::config;
use crate::graphql::Code;
use crate::http::response::error::HttpError;
use crate::model::{CallerId, Grants};

/// How many callers are remembered before those who have been quiet are forgotten.
const CALLERS_LIMIT: usize = 50_000;

/// Places for requests under way, body_memory for bodies that are being read, and the rates of callers.
pub struct AdmissionControl {
    permits: Semaphore,
    /// The most permits that one caller may have, and how many each has.
    share: usize,
    taken: Mutex<HashMap<CallerKey, usize>>,
    /// In bytes.
    body_memory: Semaphore,
    rates: Option<DefaultKeyedRateLimiter<CallerKey>>,
    pub(in crate::http) failed_auth: FailedAuthLimiter,
}

/// Whose permits and rate they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::http) enum CallerKey {
    Caller(CallerId),
    Peer(Option<IpAddr>),
}

impl CallerKey {
    /// The caller, or the peer where callers need no credential.
    pub(in crate::http) fn of(grants: &dyn Grants, peer: Option<IpAddr>) -> Self {
        match &grants.caller().id {
            CallerId::Anonymous => Self::Peer(peer.map(network)),
            caller => Self::Caller(caller.clone()),
        }
    }
}

impl AdmissionControl {
    /// With the limits of these settings.
    #[must_use]
    pub fn new(settings: &config::HttpConfig) -> Self {
        let quota = NonZeroU32::new(settings.rate_limit).map(Quota::per_second);
        let burst = NonZeroU32::new(settings.rate_burst);
        let quota = quota.zip(burst).map(|(quota, burst)| quota.allow_burst(burst));
        let body_memory = usize::try_from(settings.bodies_limit.as_u64()).unwrap_or(usize::MAX);
        Self {
            permits: Semaphore::new(settings.concurrency),
            share: settings.caller_concurrency.unwrap_or(settings.concurrency.div_ceil(2)),
            taken: Mutex::default(),
            body_memory: Semaphore::new(body_memory.min(Semaphore::MAX_PERMITS)),
            rates: quota.map(RateLimiter::keyed),
            failed_auth: FailedAuthLimiter::new(settings.failed_auth_limit),
        }
    }

    /// Counts a request against its caller's rate.
    pub(in crate::http) fn check_rate(&self, key: &CallerKey) -> Result<(), HttpError> {
        let Some(rates) = &self.rates else { return Ok(()) };
        if rates.len() > CALLERS_LIMIT {
            rates.retain_recent();
        }
        rates.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            HttpError {
                retry_after: Some(wait.as_secs_f64().ceil().max(1.0) as u64),
                ..HttpError::new(Code::RequestRateLimited, "requests come more often than allowed")
            }
        })
    }

    /// Reads a body of at most `limit` bytes. It takes no permit meanwhile, however slowly it comes, but body_memory for what has come.
    pub(in crate::http) async fn read(&self, body: Body, limit: usize) -> Result<Vec<u8>, HttpError> {
        let too_large = || HttpError::new(Code::RequestTooLarge, "the body is larger than allowed");
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large());
        }
        let mut body_memory: Option<SemaphorePermit<'_>> = None;
        let (mut whole, mut chunks) = (Vec::new(), body.into_data_stream());
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| HttpError::unreadable("the body ends too early"))?;
            if whole.len() + chunk.len() > limit {
                return Err(too_large());
            }
            let length = u32::try_from(chunk.len()).map_err(|_| too_large())?;
            let more = self.body_memory.try_acquire_many(length).map_err(|_| busy("too many bodies are being read"))?;
            match &mut body_memory {
                Some(body_memory) => body_memory.merge(more),
                None => body_memory = Some(more),
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    }

    /// A permit for one more request of this caller, to be kept while it is under way.
    pub(in crate::http) fn admit(&self, key: CallerKey) -> Result<Permit<'_>, HttpError> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.get(&key).is_some_and(|count| *count >= self.share) {
            return Err(busy("too many requests of this caller are under way"));
        }
        let permit = self.permits.try_acquire().map_err(|_| busy("too many requests are under way"))?;
        *taken.entry(key.clone()).or_default() += 1;
        Ok(Permit { admission: self, key, _permit: permit })
    }
}

fn busy(message: &str) -> HttpError {
    HttpError { retry_after: Some(1), ..HttpError::new(Code::RequestConcurrencyLimited, message) }
}

/// A request's permit, free again when it is dropped.
pub(in crate::http) struct Permit<'o> {
    admission: &'o AdmissionControl,
    key: CallerKey,
    _permit: SemaphorePermit<'o>,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut taken = self.admission.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.key)),
        }
    }
}
