//! Rosters: keeps each account's team as one snapshot and sees to it that equal questions cost one call.
//!
//! A roster is fresh, then stale and still servable, then gone. A look-up, step by step: a fresh roster answers at once, and
//! near the end of its window somebody's look-up has it read again in the background (`store`) → a stale one answers at once,
//! too, where asking the upstream is of no use now (`negative_cache`, breaker) or the plan has to be saved → otherwise join the load
//! under way or start one (`single_flight`), and wait for it, but not for long when there is a stale one to serve → keep what came.
//! Invariant: a roster is cached_roster only with a grant, under a key that holds the upstream credential's identity; and never after
//! the upstream has refused that credential, or that account.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::config;
use crate::model::{BudgetShare, ErrorKind, Pressure, UpstreamError};
use crate::model::{Caller, Clock, Grant, Roster};
use crate::telemetry::Metrics;
use crate::upstream::{Need, Upstream};

use super::credential_gate::CredentialGate;
use super::negative_cache::NegativeCache;
use super::single_flight::{LoadOutcome, SingleFlight, StillLoading};
use super::store::{Store, StoredRoster};

/// From this part of the fresh window on, give or take a tenth, a roster is read again ahead of time.
const AHEAD: f64 = 0.85;

/// The rosters of all accounts.
pub struct Rosters {
    upstream: Arc<dyn Upstream>,
    store: Arc<Store>,
    negative_cache: Arc<NegativeCache>,
    credential_gate: Arc<CredentialGate>,
    single_flight: SingleFlight,
    settings: config::RosterConfig,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// A roster, and how it was come by.
#[derive(Clone, Debug)]
pub struct CachedRoster {
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
    /// Why it is older than the caller asked for.
    pub notice: Option<&'static str>,
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

/// Why a caller who asked for a younger roster did not get one.
const LOW: &str = "the upstream's plan is nearly spent: no newer team was read";
const FAILED: &str = "the upstream gave no newer team";

/// What became of a look-up: the calls it made, and the roster or why there is none.
#[derive(Clone, Debug)]
pub struct LookupError {
    /// How many upstream calls this look-up made.
    pub calls: u32,
    /// Why there is no roster.
    pub error: UpstreamError,
}

impl Rosters {
    /// Rosters read from `upstream`.
    #[must_use]
    pub fn new(
        settings: &config::RosterConfig,
        upstream: Arc<dyn Upstream>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (store, negative_cache) = (Arc::new(Store::new(settings)), Arc::<NegativeCache>::default());
        let credential_gate = Arc::new(CredentialGate::new(settings.fresh_for.max(settings.stale_for)));
        let single_flight = SingleFlight::new(
            settings,
            upstream.clone(),
            store.clone(),
            negative_cache.clone(),
            credential_gate.clone(),
            clock,
            metrics.clone(),
        );
        Self {
            upstream,
            store,
            negative_cache,
            credential_gate,
            single_flight,
            settings: settings.clone(),
            clock,
            metrics,
        }
    }

    /// Whether the upstream has accepted the caller's credential, as far as is known here.
    #[must_use]
    pub fn has_accepted(&self, caller: &Caller) -> bool {
        self.credential_gate.has_accepted(caller.credential.id())
    }

    /// The roster, if there is one that is to be served without waiting for anything: a fresh one, or a stale one where no
    /// newer one is to be had now. `max_age` is how old it may be for a caller who asks for a younger one than usual.
    #[must_use]
    pub fn get_cached(&self, grant: &Grant, max_age: Option<Duration>) -> Option<CachedRoster> {
        let entry = self.store.get(grant.key())?;
        let age = entry.age();
        let demanded = max_age.is_some_and(|max_age| age > max_age);
        if demanded && self.pressure(grant).low {
            return Some(
                self.counted(CachedRoster { notice: Some(LOW), ..self.cached_roster(&entry, CacheResult::Hit, 0) }),
            );
        }
        if age < self.settings.fresh_for && !demanded {
            self.refresh_ahead(grant, &entry, age);
            return Some(self.counted(self.cached_roster(&entry, CacheResult::Hit, 0)));
        }
        let saved = !demanded
            && age.as_secs_f64()
                < self.settings.fresh_for.as_secs_f64() * (self.pressure(grant).stretch * entry.spread.max(1.0));
        let refused = || match self.negative_cache.get(grant.key(), self.clock.now()) {
            Some(error) => may_be_stale(&error),
            None => self.upstream.refusal(grant, Need::Refresh { calls: entry.calls }).is_some(),
        };
        (saved || refused()).then(|| {
            let notice = demanded.then_some(FAILED);
            self.counted(CachedRoster { notice, ..self.cached_roster(&entry, CacheResult::Stale, 0) })
        })
    }

    /// Has a roster read again that is about to leave its fresh window, where the plan is not short.
    fn refresh_ahead(&self, grant: &Grant, entry: &StoredRoster, age: Duration) {
        let due = age > self.settings.fresh_for.mul_f64(AHEAD * entry.spread);
        if !due || !self.settings.refresh_ahead || entry.ahead.swap(true, Ordering::Relaxed) {
            return;
        }
        let need = Need::Refresh { calls: entry.calls };
        let plenty = self.pressure(grant).stretch <= 1.0;
        let failing = self.negative_cache.get(grant.key(), self.clock.now()).is_some();
        if plenty && !failing && self.upstream.refusal(grant, need).is_none() {
            self.single_flight.start(grant, need);
        }
    }

    fn pressure(&self, grant: &Grant) -> Pressure {
        self.upstream.pressure(&grant.key().credential)
    }

    /// What the caller may still spend of the upstream's plan; `None` where nobody counts.
    #[must_use]
    pub fn share(&self, caller: &Caller) -> Option<BudgetShare> {
        self.upstream.share(caller)
    }

    /// What is known of the roster, fresh or not: how many members and roles it has.
    #[must_use]
    pub fn known_size(&self, grant: &Grant) -> Option<(usize, usize)> {
        let entry = self.store.get(grant.key())?;
        Some((entry.roster.len(), entry.roster.roles_len()))
    }

    /// The roster: fresh, or loaded, or stale. `max_age` as for [`get_cached`](Self::get_cached).
    ///
    /// # Errors
    /// [`LookupError`] when the upstream gave none and none is left that may still be served.
    pub async fn get(&self, grant: &Grant, max_age: Option<Duration>) -> Result<CachedRoster, LookupError> {
        if let Some(cached_roster) = self.get_cached(grant, max_age) {
            return Ok(cached_roster);
        }
        let known = self.store.get(grant.key());
        let need = known.as_ref().map_or(Need::Missing, |entry| Need::Refresh { calls: entry.calls });
        let refused = || known.is_none().then(|| self.upstream.refusal(grant, need)).flatten();
        if let Some(error) = self.negative_cache.get(grant.key(), self.clock.now()).or_else(refused) {
            self.metrics.looked_up("error");
            return Err(LookupError { calls: 0, error });
        }
        let young = max_age.map_or(self.settings.fresh_for, |max_age| max_age.min(self.settings.fresh_for));
        // Who asks for something younger than usual means to wait for it.
        let stale_wait = (known.is_some() && max_age.is_none()).then_some(self.settings.stale_wait);
        let (cache, calls, error) = match self.single_flight.load(grant, need, young, stale_wait).await {
            Ok(LoadOutcome { result: Ok(entry), joined, calls }) => {
                let cache = if joined { CacheResult::Coalesced } else { CacheResult::Miss };
                return Ok(self.counted(self.cached_roster(&entry, cache, calls)));
            }
            Ok(LoadOutcome { result: Err(error), calls, .. }) => (CacheResult::Stale, calls, Some(error)),
            Err(StillLoading { joined }) => (CacheResult::Stale, u32::from(!joined), None),
        };
        // What is there now, not what was: a refusal has dropped it.
        let may_be_stale = error.as_ref().is_none_or(may_be_stale);
        match self.store.get(grant.key()).filter(|_| may_be_stale) {
            Some(entry) => {
                let notice = max_age.is_some().then_some(FAILED);
                Ok(self.counted(CachedRoster { notice, ..self.cached_roster(&entry, cache, calls) }))
            }
            None => {
                self.metrics.looked_up("error");
                Err(LookupError { calls, error: error.unwrap_or_else(|| ErrorKind::Internal.into()) })
            }
        }
    }

    fn cached_roster(&self, entry: &StoredRoster, cache: CacheResult, calls: u32) -> CachedRoster {
        let age = entry.age();
        let stale = age > self.settings.fresh_for;
        let cache = match cache {
            CacheResult::Hit if stale => CacheResult::Stale,
            CacheResult::Stale if !stale => CacheResult::Hit,
            cache => cache,
        };
        CachedRoster {
            roster: entry.roster.clone(),
            cache,
            calls,
            age,
            stale,
            fresh_for: self.settings.fresh_for.saturating_sub(age),
            notice: None,
        }
    }

    fn counted(&self, cached_roster: CachedRoster) -> CachedRoster {
        self.metrics.looked_up(cached_roster.cache.name());
        cached_roster
    }
}

/// Whether an old roster may be served where this is why there is no newer one.
fn may_be_stale(error: &UpstreamError) -> bool {
    !matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Forbidden | ErrorKind::Internal)
}
