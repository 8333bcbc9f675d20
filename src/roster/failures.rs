//! Failures: why a roster could not be had, and until when nobody asks for it again. What keeps failing costs neither the
//! plan nor the caller's time.
//!
//! A refusal is remembered for as long as it is likely to stay one; anything else until the next try of the probe schedule.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{CredentialId, RosterKey};
use crate::upstream::{Error, Kind, pause};

/// A 401, for all accounts of the credential; a 403.
const DENIED: Duration = Duration::from_secs(10);
/// Another 4xx.
const REJECTED: Duration = Duration::from_secs(30);
/// Failures remembered of accounts, and of credentials.
const REMEMBERED: usize = 10_000;

#[derive(Default)]
pub(super) struct Failures {
    credentials: Mutex<HashMap<CredentialId, Failure>>,
    accounts: Mutex<HashMap<RosterKey, Failure>>,
}

struct Failure {
    error: Error,
    since: Instant,
    until: Instant,
}

impl Failures {
    /// Why nobody asks for this roster now.
    pub(super) fn recall(&self, key: &RosterKey, now: Instant) -> Option<Error> {
        recall(&self.credentials, &key.credential, now).or_else(|| recall(&self.accounts, key, now))
    }

    /// The refusal of the credential that came since a load began: what the load brings may no longer be read.
    pub(super) fn refused_since(&self, credential: &CredentialId, began: Instant) -> Option<Error> {
        let failures = lock(&self.credentials);
        failures.get(credential).filter(|failure| failure.until >= began + DENIED).map(|failure| failure.error.clone())
    }

    /// A load has failed.
    pub(super) fn remember(&self, key: &RosterKey, error: &Error, now: Instant) {
        match error.kind() {
            Kind::Unauthenticated => remember(&self.credentials, &key.credential, error, now),
            // The ledger knows when; and a fault of ours says nothing of the next load.
            Kind::RateLimited(_) | Kind::Internal => {}
            _ => remember(&self.accounts, key, error, now),
        }
    }

    /// A load has succeeded.
    pub(super) fn forget(&self, key: &RosterKey) {
        lock(&self.accounts).remove(key);
        lock(&self.credentials).remove(&key.credential);
    }
}

fn recall<K: Eq + Hash>(failures: &Mutex<HashMap<K, Failure>>, key: &K, now: Instant) -> Option<Error> {
    lock(failures).get(key).filter(|failure| now < failure.until).map(|failure| failure.error.clone())
}

fn remember<K: Clone + Eq + Hash>(failures: &Mutex<HashMap<K, Failure>>, key: &K, error: &Error, now: Instant) {
    let mut failures = lock(failures);
    if failures.len() >= REMEMBERED {
        failures.retain(|_, failure| now < failure.until);
    }
    if failures.len() >= REMEMBERED {
        return;
    }
    let since = failures.get(key).map_or(now, |failure| failure.since);
    let wait = match error.kind() {
        Kind::Unauthenticated | Kind::Forbidden => DENIED,
        Kind::Rejected(_) => REJECTED,
        _ => pause(now - since, &mut fastrand::Rng::new()),
    };
    failures.insert(key.clone(), Failure { error: error.clone(), since, until: now + wait });
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
