//! The clock of rates: the service's own, in the form that the rate limiter's library asks for.

use std::ops::Add;
use std::time::Duration;

use governor::clock::Reference;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use crate::model::Clock;

/// One rate.
pub(in crate::http) type Rate = RateLimiter<NotKeyed, InMemoryState, RateClock, NoOpMiddleware<RateInstant>>;

/// A rate for each key.
pub(super) type KeyedRate<K> = RateLimiter<K, DashMapStateStore<K>, RateClock, NoOpMiddleware<RateInstant>>;

/// Reads `model::Clock`.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct RateClock;

/// An instant of that clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::http) struct RateInstant(Instant);

/// One rate, with all of its burst left.
pub(in crate::http) fn rate(quota: Quota) -> Rate {
    RateLimiter::direct_with_clock(quota, RateClock)
}

/// The same for each key.
pub(super) fn keyed_rate<K: std::hash::Hash + Eq + Clone>(quota: Quota) -> KeyedRate<K> {
    RateLimiter::dashmap_with_clock(quota, RateClock)
}

impl governor::clock::Clock for RateClock {
    type Instant = RateInstant;

    fn now(&self) -> RateInstant {
        RateInstant(Clock::instant())
    }
}

impl Add<Nanos> for RateInstant {
    type Output = Self;

    fn add(self, nanos: Nanos) -> Self {
        Self(self.0 + Duration::from(nanos))
    }
}

impl Reference for RateInstant {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, nanos: Nanos) -> Self {
        Self(self.0.checked_sub(nanos.into()).unwrap_or(self.0))
    }
}
