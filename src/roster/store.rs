//! The store: rosters under their keys, bounded in bytes. When one is too old is our own clock's to say; the library
//! underneath only bounds the size.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;

use crate::config;
use crate::model::{CredentialId, Roster, RosterKey};

/// What a key and its place in the table cost besides the roster, in bytes, approximately.
const OVERHEAD: usize = 512;

pub(super) struct Store {
    rosters: Option<Cache<RosterKey, StoredRoster>>,
    servable: Duration,
}

/// A roster, and what is known of its loading.
#[derive(Clone, Debug)]
pub(super) struct StoredRoster {
    pub(super) roster: Arc<Roster>,
    loaded_at: Instant,
    /// How many calls it took.
    pub(super) calls: u32,
    /// From 0.9 to 1.1: what was loaded together is not to be loaded again together.
    pub(super) spread: f64,
    /// Whether somebody has seen to it that it is read again ahead of time.
    pub(super) ahead: Arc<AtomicBool>,
}

impl StoredRoster {
    pub(super) fn new(roster: Roster, loaded_at: Instant, calls: u32) -> Self {
        let spread = 0.9 + 0.2 * fastrand::f64();
        Self { roster: Arc::new(roster), loaded_at, calls, spread, ahead: Arc::default() }
    }

    pub(super) fn age(&self) -> Duration {
        self.loaded_at.elapsed()
    }
}

impl Store {
    pub(super) fn new(settings: &config::RosterConfig) -> Self {
        let rosters = settings.store.then(|| {
            Cache::builder()
                .max_capacity(settings.store_limit.as_u64())
                .weigher(|_: &RosterKey, entry: &StoredRoster| {
                    u32::try_from(entry.roster.size() + OVERHEAD).unwrap_or(u32::MAX)
                })
                .build()
        });
        Self { rosters, servable: settings.fresh_for.max(settings.stale_for) }
    }

    /// The roster under this key, fresh or stale, unless it is too old to be served at all.
    pub(super) fn get(&self, key: &RosterKey) -> Option<StoredRoster> {
        let entry = self.rosters.as_ref()?.get(key)?;
        (entry.age() < self.servable).then_some(entry)
    }

    pub(super) fn put(&self, key: RosterKey, entry: StoredRoster) {
        if let Some(rosters) = &self.rosters {
            rosters.insert(key, entry);
        }
    }

    /// Drops the account's roster: it may no longer be read.
    pub(super) fn remove(&self, key: &RosterKey) {
        if let Some(rosters) = &self.rosters {
            rosters.invalidate(key);
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
        }
    }

    /// How many rosters are held, and their bytes.
    pub(super) fn size(&self) -> (u64, u64) {
        self.rosters.as_ref().map_or((0, 0), |rosters| {
            rosters.run_pending_tasks();
            (rosters.entry_count(), rosters.weighted_size())
        })
    }
}
