//! Overload: what is too much is refused at once, so that what is admitted stays fast, and no caller takes another's share.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::Refusal;
use crate::config;
use crate::graphql::Code;
use crate::model::{CallerId, Grants};

/// How many callers are remembered before those who have been quiet are forgotten.
const REMEMBERED: usize = 50_000;

/// Places for requests under way, and the rates of callers.
pub struct Overload {
    places: Semaphore,
    rates: Option<DefaultKeyedRateLimiter<Key>>,
}

/// Whose rate it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Caller(CallerId),
    Peer(Option<IpAddr>),
}

impl Overload {
    /// With the limits of these settings.
    #[must_use]
    pub fn new(settings: &config::Http) -> Self {
        let quota = NonZeroU32::new(settings.rate_limit).map(Quota::per_second);
        let burst = NonZeroU32::new(settings.rate_burst);
        let quota = quota.zip(burst).map(|(quota, burst)| quota.allow_burst(burst));
        Self { places: Semaphore::new(settings.concurrency), rates: quota.map(RateLimiter::keyed) }
    }

    /// A place for one more request, to be kept while it is under way.
    pub(super) fn admit(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        self.places.try_acquire().map_err(|_| Refusal {
            retry_after: Some(1),
            ..Refusal::new(Code::RequestConcurrencyLimited, "too many requests are under way")
        })
    }

    /// Counts a request against its caller's rate, or its peer's where callers need no credential.
    pub(super) fn spend(&self, grants: &dyn Grants, peer: Option<IpAddr>) -> Result<(), Refusal> {
        let Some(rates) = &self.rates else { return Ok(()) };
        let key = match &grants.caller().id {
            CallerId::Anonymous => Key::Peer(peer),
            caller => Key::Caller(caller.clone()),
        };
        if rates.len() > REMEMBERED {
            rates.retain_recent();
        }
        rates.check_key(&key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Refusal {
                retry_after: Some(wait.as_secs_f64().ceil().max(1.0) as u64),
                ..Refusal::new(Code::RequestRateLimited, "requests come more often than allowed")
            }
        })
    }
}
