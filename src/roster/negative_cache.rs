//! NegativeCache: why a roster could not be had, and until when nobody asks for it again. What keeps failing costs neither the
//! plan nor the caller's time.
//!
//! A refusal is remembered for as long as it is likely to stay one; anything else until the next try of the probe schedule.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{CredentialId, RosterKey};
use crate::model::{ErrorKind, UpstreamError};
use crate::upstream::probe_backoff;

/// A 401, for all accounts of the credential; a 403.
const DENIED: Duration = Duration::from_secs(10);
/// Another 4xx.
const REJECTED: Duration = Duration::from_secs(30);
/// NegativeCache remembered of accounts, and of credentials.
const CAPACITY: usize = 10_000;

#[derive(Default)]
pub(super) struct NegativeCache {
    credentials: Mutex<HashMap<CredentialId, CachedFailure>>,
    accounts: Mutex<HashMap<RosterKey, CachedFailure>>,
}

struct CachedFailure {
    error: UpstreamError,
    since: Instant,
    until: Instant,
}

impl NegativeCache {
    /// Why nobody asks for this roster now.
    pub(super) fn get(&self, key: &RosterKey, now: Instant) -> Option<UpstreamError> {
        get(&self.credentials, &key.credential, now).or_else(|| get(&self.accounts, key, now))
    }

    /// The refusal of the credential that came since a load began: what the load brings may no longer be read.
    pub(super) fn refused_since(&self, credential: &CredentialId, began: Instant) -> Option<UpstreamError> {
        let negative_cache = lock(&self.credentials);
        negative_cache
            .get(credential)
            .filter(|failure| failure.until >= began + DENIED)
            .map(|failure| failure.error.clone())
    }

    /// A load has failed.
    pub(super) fn insert(&self, key: &RosterKey, error: &UpstreamError, now: Instant) {
        match error.kind() {
            ErrorKind::Unauthenticated => insert(&self.credentials, &key.credential, error, now),
            // The ledger knows when; and a fault of ours says nothing of the next load.
            ErrorKind::RateLimited(_) | ErrorKind::Internal => {}
            _ => insert(&self.accounts, key, error, now),
        }
    }

    /// A load has succeeded.
    pub(super) fn clear(&self, key: &RosterKey) {
        lock(&self.accounts).remove(key);
        lock(&self.credentials).remove(&key.credential);
    }
}

fn get<K: Eq + Hash>(
    negative_cache: &Mutex<HashMap<K, CachedFailure>>,
    key: &K,
    now: Instant,
) -> Option<UpstreamError> {
    lock(negative_cache).get(key).filter(|failure| now < failure.until).map(|failure| failure.error.clone())
}

fn insert<K: Clone + Eq + Hash>(
    negative_cache: &Mutex<HashMap<K, CachedFailure>>,
    key: &K,
    error: &UpstreamError,
    now: Instant,
) {
    let mut negative_cache = lock(negative_cache);
    if negative_cache.len() >= CAPACITY {
        negative_cache.retain(|_, failure| now < failure.until);
    }
    if negative_cache.len() >= CAPACITY {
        return;
    }
    let since = negative_cache.get(key).map_or(now, |failure| failure.since);
    let wait = match error.kind() {
        ErrorKind::Unauthenticated | ErrorKind::Forbidden => DENIED,
        ErrorKind::Rejected(_) => REJECTED,
        _ => probe_backoff(now - since, &mut fastrand::Rng::new()),
    };
    negative_cache.insert(key.clone(), CachedFailure { error: error.clone(), since, until: now + wait });
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
