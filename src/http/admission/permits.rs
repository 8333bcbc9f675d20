//! Permits: how many requests may be under way, in all and of one caller. A request's permit is free again when nothing is done
//! for it any more and the last byte of its answer has left.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::busy::busy;
use super::caller_key::CallerKey;
use super::key_counts::KeyCounts;
use crate::http::response::error::HttpError;

pub(super) struct Permits {
    all: Arc<Semaphore>,
    caller_limit: usize,
    callers: Arc<CallerCounts>,
}

/// How many each caller has.
type CallerCounts = Mutex<KeyCounts<CallerKey>>;

impl Permits {
    pub(super) fn new(limit: usize, caller_limit: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(limit)), caller_limit, callers: Arc::default() }
    }

    /// A permit for one more request of this caller, who may have a limit of its own.
    pub(super) fn acquire(&self, key: CallerKey, limit: Option<usize>) -> Result<Permit, HttpError> {
        let mut callers = self.callers.lock();
        let known = callers.of(&key);
        if known > 0 && known >= limit.unwrap_or(self.caller_limit) {
            return Err(busy("too many requests of this caller are under way"));
        }
        let all = self.all.clone().try_acquire_owned().map_err(|_| busy("too many requests are under way"))?;
        callers.add(key.clone());
        Ok(Permit { callers: self.callers.clone(), key, _all: all })
    }
}

/// A request's permit, free again when it is dropped.
pub(in crate::http) struct Permit {
    callers: Arc<CallerCounts>,
    key: CallerKey,
    _all: OwnedSemaphorePermit,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.callers.lock().remove(&self.key);
    }
}
