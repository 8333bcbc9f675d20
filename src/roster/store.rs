//! The store: rosters under their keys, the least recently used dropped first, bounded in bytes. Our own clock says when one
//! is too old; the library underneath only bounds the size.
//!
//! A new roster is always admitted. One that is larger than the whole store is kept aside, one at a time, because a roster
//! that is never kept costs the plan a call for each question.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ahash::RandomState;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::invalidations::Invalidations;
use crate::config;
use crate::model::{Clock, CredentialId, Invalidation, InvalidationMode, InvalidationScope, Roster, RosterKey};
use crate::telemetry::Metrics;

/// The size of a key and its slot in the table, besides the roster, in bytes, approximately.
const OVERHEAD: usize = 512;
/// How often the log says that a roster is larger than the store.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

pub(super) struct Store {
    rosters: Option<Cache<RosterKey, StoredRoster, RandomState>>,
    limit: u64,
    /// The last roster that is larger than the store.
    oversized: Mutex<Option<(RosterKey, StoredRoster)>>,
    warned: Mutex<Option<Instant>>,
    /// The invalidations by the operator.
    invalidations: Invalidations,
    max_age: Duration,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// A roster, and what is known of its loading.
#[derive(Clone, Debug)]
pub(super) struct StoredRoster {
    pub(super) roster: Arc<Roster>,
    /// When the first call of the load was started: nothing in the roster is older.
    pub(super) began: Instant,
    /// How many calls it took.
    pub(super) calls: u32,
    /// From 0.9 to 1.1: what was loaded together is not to be loaded again together.
    pub(super) spread: f64,
    /// Whether a look-up has started to read it again ahead of time.
    pub(super) ahead: Arc<AtomicBool>,
}

impl StoredRoster {
    pub(super) fn new(roster: Roster, began: Instant, calls: u32) -> Self {
        let spread = 0.9 + 0.2 * fastrand::f64();
        Self { roster: Arc::new(roster), began, calls, spread, ahead: Arc::default() }
    }

    fn size(&self) -> usize {
        self.roster.size() + OVERHEAD
    }
}

impl Store {
    pub(super) fn new(settings: &config::RosterConfig, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let limit = settings.store_limit.as_u64();
        let counted = metrics.clone();
        let evicted = move |_: Arc<RosterKey>, _: StoredRoster, cause: RemovalCause| {
            if cause == RemovalCause::Size {
                counted.evicted();
            }
        };
        let rosters = settings.store.then(|| {
            Cache::builder()
                .max_capacity(limit)
                // The default policy may refuse a new roster in favour of an old one.
                .eviction_policy(EvictionPolicy::lru())
                .eviction_listener(evicted)
                .weigher(|_: &RosterKey, stored: &StoredRoster| u32::try_from(stored.size()).unwrap_or(u32::MAX))
                .build_with_hasher(RandomState::new())
        });
        let max_age = settings.fresh_for.max(settings.stale_for);
        Self {
            rosters,
            limit,
            oversized: Mutex::default(),
            warned: Mutex::default(),
            invalidations: Invalidations::new(max_age),
            max_age,
            clock,
            metrics,
        }
    }

    /// The roster under this key, fresh or stale, unless it is too old to be served at all.
    pub(super) fn get(&self, key: &RosterKey) -> Option<StoredRoster> {
        let stored = self.rosters.as_ref()?.get(key).or_else(|| {
            let oversized = self.oversized.lock();
            oversized.as_ref().filter(|(kept, _)| kept == key).map(|(_, stored)| stored.clone())
        })?;
        (!self.is_gone(key, stored.began) && self.clock.now() - stored.began < self.max_age).then_some(stored)
    }

    /// Whether the operator has withdrawn what began to be read then.
    pub(super) fn is_gone(&self, key: &RosterKey, began: Instant) -> bool {
        self.invalidations.gone_before(key).is_some_and(|at| began <= at)
    }

    /// Until when the operator has taken rosters under this key back: what began to be read by then counts as stale.
    pub(super) fn invalidated(&self, key: &RosterKey) -> Option<Instant> {
        self.invalidations.stale_before(key)
    }

    /// Some rosters, at most so many.
    pub(super) fn kept(&self, limit: usize) -> impl Iterator<Item = (RosterKey, StoredRoster)> {
        let kept = self.rosters.iter().flat_map(|rosters| rosters.iter());
        let kept = kept.map(|(key, stored)| (RosterKey::clone(&key), stored));
        let oversized = self.oversized.lock().clone();
        kept.chain(oversized).take(limit).filter(|(key, _)| self.get(key).is_some())
    }

    /// The rosters of a scope, each with the calls that reading it took.
    pub(super) fn covered(&self, scope: &InvalidationScope) -> Vec<(RosterKey, u32)> {
        let all = self.kept(usize::MAX).filter(|(key, _)| scope.covers(key));
        all.map(|(key, stored)| (key, stored.calls)).collect()
    }

    /// Takes rosters back that began to be read at `at` or before, stored already or brought by loads under way.
    pub(super) fn invalidate(&self, invalidation: &Invalidation, at: Instant) {
        // First of all, so that what is inserted meanwhile is known to be old.
        self.invalidations.record(invalidation, at);
        let (InvalidationMode::Hard, Some(rosters)) = (invalidation.mode, &self.rosters) else { return };
        let covers = |key: &RosterKey, stored: &StoredRoster| stored.began <= at && invalidation.scope.covers(key);
        for (key, stored) in rosters {
            if covers(&key, &stored) {
                rosters.invalidate(&*key);
            }
        }
        let mut oversized = self.oversized.lock();
        if oversized.as_ref().is_some_and(|(key, stored)| covers(key, stored)) {
            *oversized = None;
        }
    }

    pub(super) fn insert(&self, key: RosterKey, stored: StoredRoster) {
        let Some(rosters) = &self.rosters else { return };
        if stored.size() as u64 <= self.limit {
            self.remove_oversized(|kept| *kept == key);
            rosters.insert(key, stored);
            return;
        }
        let now = self.clock.now();
        let mut warned = self.warned.lock();
        if warned.is_none_or(|warned| now - warned >= WARN_INTERVAL) {
            *warned = Some(now);
            tracing::warn!(
                bytes = stored.size(),
                limit = self.limit,
                "a roster is larger than roster.store_limit: only one such roster is kept at a time"
            );
        }
        rosters.invalidate(&key);
        let former = self.oversized.lock().replace((key.clone(), stored));
        if former.is_some_and(|(former, _)| former != key) {
            self.metrics.evicted();
        }
    }

    /// Drops the account's roster: it may no longer be read.
    pub(super) fn remove(&self, key: &RosterKey) {
        if let Some(rosters) = &self.rosters {
            rosters.invalidate(key);
            self.remove_oversized(|kept| kept == key);
        }
    }

    /// Drops every roster that was read with this credential: it is no longer accepted.
    pub(super) fn remove_all(&self, credential: &CredentialId) {
        if let Some(rosters) = &self.rosters {
            for (key, _) in rosters {
                if key.credential == *credential {
                    rosters.invalidate(&*key);
                }
            }
            self.remove_oversized(|kept| kept.credential == *credential);
        }
    }

    /// How many rosters are held, and their bytes.
    pub(super) fn size(&self) -> (u64, u64) {
        let (kept, bytes) = self.rosters.as_ref().map_or((0, 0), |rosters| {
            rosters.run_pending_tasks();
            (rosters.entry_count(), rosters.weighted_size())
        });
        let oversized = self.oversized.lock();
        oversized.as_ref().map_or((kept, bytes), |(_, stored)| (kept + 1, bytes + stored.size() as u64))
    }

    fn remove_oversized(&self, matches: impl Fn(&RosterKey) -> bool) {
        let mut oversized = self.oversized.lock();
        if oversized.as_ref().is_some_and(|(key, _)| matches(key)) {
            *oversized = None;
        }
    }
}
