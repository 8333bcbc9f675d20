//! Permits: how many requests may be under way, in all and of one caller. A request's permit is free again when nothing is done
//! for it any more and the last byte of its answer has left.
//!
//! Where nothing else is said, a caller may have as many as are free: the first has half of all at most, the second a quarter. So
//! a few callers who keep theirs leave some for every other.

use std::sync::Arc;

use parking_lot::Mutex;

use super::busy::busy;
use super::caller_key::CallerKey;
use super::key_counts::KeyCounts;
use crate::http::response::error::HttpError;

pub(super) struct Permits {
    limit: usize,
    /// `None`: as many as are free.
    caller_limit: Option<usize>,
    callers: Arc<CallerCounts>,
}

/// How many each caller has.
type CallerCounts = Mutex<KeyCounts<CallerKey>>;

impl Permits {
    pub(super) fn new(limit: usize, caller_limit: Option<usize>) -> Self {
        Self { limit, caller_limit, callers: Arc::default() }
    }

    /// A permit for one more request of this caller, who may have a limit of its own.
    pub(super) fn acquire(&self, key: CallerKey, limit: Option<usize>) -> Result<Permit, HttpError> {
        let mut callers = self.callers.lock();
        let (own, free) = (callers.of(&key), self.limit.saturating_sub(callers.all()));
        if own > 0 && own >= limit.or(self.caller_limit).unwrap_or(free) {
            return Err(busy("too many requests of this caller are under way"));
        }
        if free == 0 {
            return Err(busy("too many requests are under way"));
        }
        callers.add(key.clone());
        Ok(Permit { callers: self.callers.clone(), key })
    }
}

/// A request's permit, free again when it is dropped.
pub(in crate::http) struct Permit {
    callers: Arc<CallerCounts>,
    key: CallerKey,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.callers.lock().remove(&self.key);
    }
}
