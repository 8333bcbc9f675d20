//! Overload: what is too much is refused at once, so that what is admitted stays fast, and no caller takes another's share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use axum::body::{Body, HttpBody};
use futures_util::StreamExt;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::Refusal;
use super::peer::network;
use super::strangers::Strangers;
use crate::config;
use crate::graphql::Code;
use crate::model::{CallerId, Grants};

/// How many callers are remembered before those who have been quiet are forgotten.
const REMEMBERED: usize = 50_000;

/// Places for requests under way, room for bodies that are being read, and the rates of callers.
pub struct Overload {
    places: Semaphore,
    /// The most places that one caller may have, and how many each has.
    share: usize,
    taken: Mutex<HashMap<Key, usize>>,
    /// In bytes.
    room: Semaphore,
    rates: Option<DefaultKeyedRateLimiter<Key>>,
    pub(super) strangers: Strangers,
}

/// Whose places and rate they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Caller(CallerId),
    Peer(Option<IpAddr>),
}

impl Key {
    /// The caller, or the peer where callers need no credential.
    pub(super) fn of(grants: &dyn Grants, peer: Option<IpAddr>) -> Self {
        match &grants.caller().id {
            CallerId::Anonymous => Self::Peer(peer.map(network)),
            caller => Self::Caller(caller.clone()),
        }
    }
}

impl Overload {
    /// With the limits of these settings.
    #[must_use]
    pub fn new(settings: &config::Http) -> Self {
        let quota = NonZeroU32::new(settings.rate_limit).map(Quota::per_second);
        let burst = NonZeroU32::new(settings.rate_burst);
        let quota = quota.zip(burst).map(|(quota, burst)| quota.allow_burst(burst));
        let room = usize::try_from(settings.bodies_limit.as_u64()).unwrap_or(usize::MAX);
        Self {
            places: Semaphore::new(settings.concurrency),
            share: settings.caller_concurrency.unwrap_or(settings.concurrency.div_ceil(2)),
            taken: Mutex::default(),
            room: Semaphore::new(room.min(Semaphore::MAX_PERMITS)),
            rates: quota.map(RateLimiter::keyed),
            strangers: Strangers::new(settings.wrong_tokens_limit),
        }
    }

    /// Counts a request against its caller's rate.
    pub(super) fn spend(&self, key: &Key) -> Result<(), Refusal> {
        let Some(rates) = &self.rates else { return Ok(()) };
        if rates.len() > REMEMBERED {
            rates.retain_recent();
        }
        rates.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Refusal {
                retry_after: Some(wait.as_secs_f64().ceil().max(1.0) as u64),
                ..Refusal::new(Code::RequestRateLimited, "requests come more often than allowed")
            }
        })
    }

    /// Reads a body of at most `limit` bytes. It takes no place meanwhile, however slowly it comes, but room for what has come.
    pub(super) async fn read(&self, body: Body, limit: usize) -> Result<Vec<u8>, Refusal> {
        let too_large = || Refusal::new(Code::RequestTooLarge, "the body is larger than allowed");
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large());
        }
        let mut room: Option<SemaphorePermit<'_>> = None;
        let (mut whole, mut chunks) = (Vec::new(), body.into_data_stream());
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refusal::new(Code::BadRequest, "the body ends too early"))?;
            if whole.len() + chunk.len() > limit {
                return Err(too_large());
            }
            let length = u32::try_from(chunk.len()).map_err(|_| too_large())?;
            let more = self.room.try_acquire_many(length).map_err(|_| busy("too many bodies are being read"))?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    }

    /// A place for one more request of this caller, to be kept while it is under way.
    pub(super) fn admit(&self, key: Key) -> Result<Place<'_>, Refusal> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.get(&key).is_some_and(|count| *count >= self.share) {
            return Err(busy("too many requests of this caller are under way"));
        }
        let permit = self.places.try_acquire().map_err(|_| busy("too many requests are under way"))?;
        *taken.entry(key.clone()).or_default() += 1;
        Ok(Place { overload: self, key, _permit: permit })
    }
}

fn busy(message: &str) -> Refusal {
    Refusal { retry_after: Some(1), ..Refusal::new(Code::RequestConcurrencyLimited, message) }
}

/// A request's place, free again when it is dropped.
pub(super) struct Place<'o> {
    overload: &'o Overload,
    key: Key,
    _permit: SemaphorePermit<'o>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.overload.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.key)),
        }
    }
}
