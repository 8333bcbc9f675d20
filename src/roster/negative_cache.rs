//! The negative cache: why a roster could not be loaded, and until when it is not tried again, so that what keeps failing
//! costs neither the plan nor the caller's time.
//!
//! A refusal is kept for as long as it is likely to stay one, and belongs to the secret that was refused: a credential with a
//! new secret is tried at once. Failures back off for each account: those of the host as the breaker's probes do, those of the
//! account twice as long each time. Invariant: both maps are bounded, and the newest entry is always kept.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::Duration;

use ahash::RandomState;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::model::{Credential, CredentialId, ErrorKind, Fault, Grant, RosterKey, UpstreamError};
use crate::upstream::probe_backoff;

/// A 401, for all accounts of the credential; a 403.
const DENIED: Duration = Duration::from_secs(10);
/// Another 4xx.
const REJECTED: Duration = Duration::from_secs(30);
/// The first wait after a failure of the account, and the longest.
const BACKOFF: Duration = Duration::from_millis(800);
const BACKOFF_LIMIT: Duration = Duration::from_secs(30);
/// After so long without a failure, the next one is the first of a new series.
const QUIET: Duration = Duration::from_secs(60);
/// Entries kept of accounts, and of credentials.
const CAPACITY: usize = 10_000;

#[derive(Default)]
pub(super) struct NegativeCache {
    credentials: Mutex<HashMap<CredentialId, CachedFailure, RandomState>>,
    accounts: Mutex<HashMap<RosterKey, CachedFailure, RandomState>>,
}

struct CachedFailure {
    error: UpstreamError,
    /// The version of the credential's secret that the call was made with.
    secret: u64,
    /// When the series of failures began, and how many there are.
    since: Instant,
    failures: u32,
    until: Instant,
}

impl NegativeCache {
    /// Why this roster is not loaded now.
    pub(super) fn get(&self, grant: &Grant, now: Instant) -> Option<UpstreamError> {
        let (key, secret) = (grant.key(), grant.caller().credential.version());
        get(&self.credentials, &key.credential, secret, now).or_else(|| get(&self.accounts, key, secret, now))
    }

    /// The refusal of the credential itself.
    pub(super) fn get_credential(&self, credential: &Credential, now: Instant) -> Option<UpstreamError> {
        get(&self.credentials, credential.id(), credential.version(), now)
    }

    /// The refusal of a forwarded credential that came since a load began: its rosters were dropped, so what the load brings
    /// may no longer be read. A credential that the server holds keeps its rosters.
    pub(super) fn refused_since(&self, credential: &Credential, began: Instant) -> Option<UpstreamError> {
        if !matches!(credential.id(), CredentialId::Forwarded(_)) {
            return None;
        }
        let credentials = self.credentials.lock();
        credentials.get(credential.id()).filter(|failure| failure.until >= began + DENIED).map(|f| f.error.clone())
    }

    /// Remembers that a load has failed.
    pub(super) fn insert(&self, grant: &Grant, error: &UpstreamError, now: Instant) {
        let (key, secret) = (grant.key(), grant.caller().credential.version());
        match (error.kind(), error.fault()) {
            (ErrorKind::Unauthenticated, _) => insert(&self.credentials, &key.credential, secret, error, now),
            // The ledger knows when, and a fault of ours says nothing about the next load.
            (ErrorKind::RateLimited(_), _) | (_, Fault::Local) => {}
            _ => insert(&self.accounts, key, secret, error, now),
        }
    }

    /// How many accounts, and credentials, are not tried now, by the kind of their failure.
    pub(super) fn counts(&self, now: Instant) -> Vec<(&'static str, usize)> {
        let mut counts = BTreeMap::new();
        let mut add = |failure: &CachedFailure| {
            if now < failure.until {
                *counts.entry(failure.error.kind().label()).or_default() += 1;
            }
        };
        self.credentials.lock().values().for_each(&mut add);
        self.accounts.lock().values().for_each(&mut add);
        counts.into_iter().collect()
    }

    /// Forgets the failures of an account and its credential: a load has succeeded.
    pub(super) fn clear(&self, grant: &Grant) {
        let (key, secret) = (grant.key(), grant.caller().credential.version());
        self.accounts.lock().remove(key);
        let mut credentials = self.credentials.lock();
        if credentials.get(&key.credential).is_some_and(|failure| failure.secret <= secret) {
            credentials.remove(&key.credential);
        }
    }
}

fn get<K: Eq + Hash>(
    failures: &Mutex<HashMap<K, CachedFailure, RandomState>>,
    key: &K,
    secret: u64,
    now: Instant,
) -> Option<UpstreamError> {
    let failures = failures.lock();
    let failure = failures.get(key).filter(|failure| failure.secret == secret && now < failure.until);
    failure.map(|failure| failure.error.clone())
}

fn insert<K: Clone + Eq + Hash>(
    failures: &Mutex<HashMap<K, CachedFailure, RandomState>>,
    key: &K,
    secret: u64,
    error: &UpstreamError,
    now: Instant,
) {
    let mut failures = failures.lock();
    let known = failures.get(key);
    // The late answer to a secret that was replaced since.
    if known.is_some_and(|failure| failure.secret > secret) {
        return;
    }
    let series = known.filter(|failure| failure.secret == secret && now < failure.until + QUIET);
    let (since, earlier) = series.map_or((now, 0), |failure| (failure.since, failure.failures));
    let wait = match (error.kind(), error.fault()) {
        (ErrorKind::Unauthenticated | ErrorKind::Forbidden, _) => DENIED,
        (ErrorKind::Rejected(_), _) => REJECTED,
        (_, Fault::Account) => account_backoff(earlier),
        _ => probe_backoff(now - since, &mut fastrand::Rng::new()),
    };
    if failures.len() >= CAPACITY && !failures.contains_key(key) {
        make_room(&mut failures, now);
    }
    let failure = CachedFailure { error: error.clone(), secret, since, failures: earlier + 1, until: now + wait };
    failures.insert(key.clone(), failure);
}

/// The wait after so many earlier failures of an account, longer or shorter by up to a fifth.
fn account_backoff(earlier: u32) -> Duration {
    let wait = BACKOFF.saturating_mul(1 << earlier.min(10)).min(BACKOFF_LIMIT);
    wait.mul_f64(0.8 + 0.4 * fastrand::f64())
}

/// Removes what has expired and, where that is not enough, the quarter that expires first.
fn make_room<K: Eq + Hash>(failures: &mut HashMap<K, CachedFailure, RandomState>, now: Instant) {
    failures.retain(|_, failure| now < failure.until);
    if failures.len() >= CAPACITY {
        let mut ends: Vec<Instant> = failures.values().map(|failure| failure.until).collect();
        let (_, &mut limit, _) = ends.select_nth_unstable(CAPACITY / 4);
        failures.retain(|_, failure| failure.until > limit);
        if failures.len() >= CAPACITY {
            failures.clear();
        }
    }
}
