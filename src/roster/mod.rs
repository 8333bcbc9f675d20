//! Rosters: keeps each account's team as one snapshot and sees to it that equal questions cost one call.
//!
//! A look-up, step by step: a fresh roster answers at once (`store`) → otherwise join the load under way or start one
//! (`refresh`) → keep what came → if it failed in a way that may pass, a roster not yet too old answers, marked stale.
//! Invariant: a roster is found only with a grant, under a key that holds the upstream credential's identity.

mod refresh;
mod store;

use std::sync::Arc;
use std::time::Duration;

use crate::config;
use crate::model::{Clock, Grant, Roster};
use crate::telemetry::Metrics;
use crate::upstream::{Error, Kind, Upstream};

use refresh::Refresh;
use store::{Entry, Store};

/// The rosters of all accounts.
pub struct Rosters {
    store: Arc<Store>,
    refresh: Refresh,
    fresh: Duration,
    metrics: Arc<Metrics>,
}

/// A roster, and how it was come by.
#[derive(Clone, Debug)]
pub struct Found {
    /// The snapshot.
    pub roster: Arc<Roster>,
    /// Where it came from.
    pub cache: CacheResult,
    /// How many upstream calls this look-up made.
    pub calls: u32,
    /// How old the snapshot was.
    pub age: Duration,
    /// Whether it was past its fresh window.
    pub stale: bool,
    /// How much longer it counts as fresh; zero when it is stale.
    pub fresh_for: Duration,
}

/// Where a roster came from, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheResult {
    /// It was there, fresh.
    Hit,
    /// Somebody else's load brought it.
    Coalesced,
    /// It was loaded for this look-up.
    Miss,
    /// It was there, past its fresh window, and no newer one was to be had.
    Stale,
}

impl CacheResult {
    /// Its name in answers, metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Coalesced => "coalesced",
            Self::Miss => "miss",
            Self::Stale => "stale",
        }
    }
}

/// What became of a look-up: the calls it made, and the roster or why there is none.
#[derive(Clone, Debug)]
pub struct Failed {
    /// How many upstream calls this look-up made.
    pub calls: u32,
    /// Why there is no roster.
    pub error: Error,
}

impl Rosters {
    /// Rosters read from `upstream`.
    #[must_use]
    pub fn new(settings: &config::Roster, upstream: Arc<dyn Upstream>, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let store = Arc::new(Store::new(settings));
        let refresh = Refresh::new(settings, upstream, store.clone(), clock, metrics.clone());
        Self { store, refresh, fresh: settings.fresh, metrics }
    }

    /// The roster, if a fresh one is there: without waiting for anything.
    #[must_use]
    pub fn fresh(&self, grant: &Grant) -> Option<Found> {
        let entry = self.store.get(grant.key())?;
        let found = self.found(&entry, CacheResult::Hit, 0);
        (!found.fresh_for.is_zero()).then(|| self.counted(found))
    }

    /// What is known of the roster, fresh or not: how many members and roles it has.
    #[must_use]
    pub fn known_size(&self, grant: &Grant) -> Option<(usize, usize)> {
        let entry = self.store.get(grant.key())?;
        Some((entry.roster.len(), entry.roster.roles_len()))
    }

    /// The roster: fresh, or loaded, or stale.
    ///
    /// # Errors
    /// [`Failed`] when the upstream gave none and none is left that may still be served.
    pub async fn get(&self, grant: &Grant) -> Result<Found, Failed> {
        if let Some(found) = self.fresh(grant) {
            return Ok(found);
        }
        let loaded = self.refresh.load(grant).await;
        match loaded.result {
            Ok(entry) => {
                let cache = if loaded.joined { CacheResult::Coalesced } else { CacheResult::Miss };
                Ok(self.counted(self.found(&entry, cache, loaded.calls)))
            }
            Err(error) => match self.stale(grant, &error) {
                Some(entry) => Ok(self.counted(self.found(&entry, CacheResult::Stale, loaded.calls))),
                None => {
                    self.metrics.looked_up("error");
                    Err(Failed { calls: loaded.calls, error })
                }
            },
        }
    }

    /// The old roster, where this error lets one be served.
    fn stale(&self, grant: &Grant, error: &Error) -> Option<Entry> {
        match error.kind() {
            Kind::Unauthenticated | Kind::Forbidden | Kind::Internal => None,
            _ => self.store.get(grant.key()),
        }
    }

    fn found(&self, entry: &Entry, cache: CacheResult, calls: u32) -> Found {
        let age = entry.age();
        Found {
            roster: entry.roster.clone(),
            cache,
            calls,
            age,
            stale: age > self.fresh,
            fresh_for: self.fresh.saturating_sub(age),
        }
    }

    fn counted(&self, found: Found) -> Found {
        self.metrics.looked_up(found.cache.name());
        found
    }
}
