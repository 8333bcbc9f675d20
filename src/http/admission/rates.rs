//! Rates: how often callers may ask, by the settings or by limits of their own.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::Quota;
use parking_lot::Mutex;

use super::busy::too_often;
use super::caller_key::CallerKey;
use super::rate_clock::{KeyedRate, keyed_rate};
use crate::http::response::error::HttpError;
use crate::model::CallerLimits;

/// How many callers are remembered before those who have been quiet are forgotten.
const CALLERS_LIMIT: usize = 50_000;
/// How many different quotas there may be besides that of the settings. They come from the operator's files, and from claims.
const QUOTAS_LIMIT: usize = 1_000;

type Limiter = KeyedRate<CallerKey>;

pub(super) struct Rates {
    rate: u32,
    burst: u32,
    /// `None` where the settings have no limit.
    usual: Option<Limiter>,
    /// By rate and burst.
    own: Mutex<HashMap<(u32, u32), Arc<Limiter>>>,
}

impl Rates {
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        Self { rate, burst, usual: limiter(rate, burst), own: Mutex::default() }
    }

    /// Counts a request against its caller's rate.
    pub(super) fn check(&self, key: &CallerKey, limits: CallerLimits) -> Result<(), HttpError> {
        if limits.rate.is_none() && limits.burst.is_none() {
            return self.usual.as_ref().map_or(Ok(()), |limiter| check(limiter, key));
        }
        let rate = limits.rate.unwrap_or(self.rate);
        // Without a burst of its own, a rate has the usual one, but not more than what comes in two seconds.
        let burst = limits.burst.unwrap_or_else(|| self.burst.max(1).min(rate.saturating_mul(2).max(1)));
        self.own(rate, burst).map_or(Ok(()), |limiter| check(&limiter, key))
    }

    fn own(&self, rate: u32, burst: u32) -> Option<Arc<Limiter>> {
        let mut own = self.own.lock();
        if let Some(limiter) = own.get(&(rate, burst)) {
            return Some(limiter.clone());
        }
        if own.len() >= QUOTAS_LIMIT {
            own.retain(|_, limiter| {
                limiter.retain_recent();
                !limiter.is_empty()
            });
            if own.len() >= QUOTAS_LIMIT {
                own.clear();
            }
        }
        let limiter = Arc::new(limiter(rate, burst)?);
        own.insert((rate, burst), limiter.clone());
        Some(limiter)
    }
}

fn limiter(rate: u32, burst: u32) -> Option<Limiter> {
    quota(rate, burst).map(keyed_rate)
}

/// So many a second, and so many at once; `None` where either is 0.
pub(in crate::http) fn quota(rate: u32, burst: u32) -> Option<Quota> {
    Some(Quota::per_second(NonZeroU32::new(rate)?).allow_burst(NonZeroU32::new(burst)?))
}

fn check(limiter: &Limiter, key: &CallerKey) -> Result<(), HttpError> {
    if limiter.len() > CALLERS_LIMIT {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|until| too_often(&until, "rate limit exceeded"))
}
