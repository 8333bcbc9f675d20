//! Rosters: one immutable snapshot of each account's list, so that equal questions cost one call.
//!
//! A roster is fresh, then stale and still servable, then gone. A look-up takes these steps:
//! 1. a fresh roster is returned at once; near the end of its fresh window it is read again in the background (`store`);
//! 2. a stale one is returned at once where a call is of no use now (`negative_cache`, breaker) or the plan has to be saved;
//! 3. otherwise the look-up joins the load under way or starts one (`single_flight`, `loads`), and waits: briefly where there
//!    is a stale roster to return, until its deadline otherwise. The load goes on without it.
//!
//! Invariant: a roster is found only with a grant, under a key that holds the identity of the upstream credential, and never
//! after the upstream has refused a caller's own credential, or the account.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::credential_gate::CredentialGate;
use super::feed_board::FeedBoard;
use super::loads::Loads;
use super::negative_cache::NegativeCache;
use super::single_flight::LoadOutcome;
use super::store::{Store, StoredRoster};
use super::token_issue::IssuedToken;
use crate::config::{self, Config};
use crate::model::{
    BudgetShare, CacheResult, CachedRoster, Caller, Clock, CredentialId, ErrorKind, Fault, Grant, Pressure,
    UpstreamError,
};
use crate::telemetry::Metrics;
use crate::upstream::{Need, Upstream};

/// From this part of the fresh window on, give or take a tenth, a roster is read again ahead of time.
const AHEAD: f64 = 0.85;
/// The part of `http.timeout` that look-ups may take, so that a request is answered although an account is not.
const REQUEST_SHARE: f64 = 0.9;
/// How often a look-up begins again because a load brought less than it asked for.
const ROUNDS: usize = 3;

/// The rosters of all accounts.
pub struct Rosters {
    pub(super) upstream: Arc<dyn Upstream>,
    pub(super) store: Arc<Store>,
    pub(super) negative_cache: Arc<NegativeCache>,
    gate: Arc<CredentialGate>,
    pub(super) loads: Arc<Loads>,
    /// The rosters that are listened to.
    pub(super) feeds: Arc<FeedBoard>,
    pub(super) settings: config::RosterConfig,
    waits: LookupWaits,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
}

/// How long look-ups wait for a load.
#[derive(Clone, Copy, Debug)]
pub struct LookupWaits {
    /// One look-up.
    lookup: Duration,
    /// All look-ups of a request, from its start.
    request: Duration,
    /// The time that a request needs after its look-ups.
    rest: Duration,
    /// A load, before its first call.
    start: Duration,
}

impl LookupWaits {
    /// As long as `upstream.timeout`, or, where a list takes many calls, as long as the request may take.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let request = config.http.timeout.mul_f64(REQUEST_SHARE);
        let rest = config.http.timeout.saturating_sub(request);
        let start = config.upstream.timeout;
        let lookup = if config.upstream.paged { request } else { start };
        Self { lookup, request, rest, start }
    }
}

impl Default for LookupWaits {
    fn default() -> Self {
        let (lookup, request, rest) = (Duration::from_secs(3), Duration::from_millis(4500), Duration::from_millis(500));
        Self { lookup, request, rest, start: lookup }
    }
}

/// Why a caller who asked for a younger roster did not get one.
const LOW: &str = "the upstream's plan is nearly spent: no newer team was read";
const FAILED: &str = "the upstream gave no newer team";

/// Why a look-up found no roster.
#[derive(Clone, Debug)]
pub struct LookupError {
    /// How many upstream calls were made for this look-up.
    pub calls: u32,
    /// Why there is no roster.
    pub error: UpstreamError,
}

/// The result of waiting for a load.
enum Waited {
    Loaded(StoredRoster, CacheResult),
    Failed(UpstreamError),
    /// The load takes longer than the look-up waits.
    StillLoading,
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
        let store = Arc::new(Store::new(settings, clock, metrics.clone()));
        let negative_cache = Arc::<NegativeCache>::default();
        let valid_for = settings.fresh_for.max(settings.stale_for);
        let gate = Arc::new(CredentialGate::new(valid_for, clock, metrics.clone()));
        let (waits, feeds) = (LookupWaits::default(), Arc::<FeedBoard>::default());
        let loads = Arc::new(Loads {
            upstream: upstream.clone(),
            store: store.clone(),
            negative_cache: negative_cache.clone(),
            gate: gate.clone(),
            flights: Arc::default(),
            generations: Arc::default(),
            feeds: feeds.clone(),
            second: None,
            listener: None,
            shared: settings.single_flight,
            clock,
            metrics: metrics.clone(),
        });
        Self { upstream, store, negative_cache, gate, loads, feeds, settings: settings.clone(), waits, clock, metrics }
    }

    /// The same with other limits on how long look-ups wait.
    #[must_use]
    pub fn with_waits(self, waits: LookupWaits) -> Self {
        Self { waits, ..self }
    }

    /// By when the look-ups of a request have an answer whose look-ups start now, and which must have ended by `end`: a part of
    /// its time may have gone already, for example with a body that came slowly.
    #[must_use]
    pub fn request_deadline(&self, end: Option<Instant>) -> Instant {
        let now = self.clock.now();
        let last = end.map(|end| end.checked_sub(self.waits.rest).unwrap_or(now).max(now));
        last.map_or(now + self.waits.request, |last| last.min(now + self.waits.request))
    }

    /// Whether the upstream has accepted the caller's credential, as far as is known here.
    #[must_use]
    pub fn has_accepted(&self, caller: &Caller) -> bool {
        self.gate.has_accepted(caller.credential.id())
    }

    /// The roster, if there is one that is to be served without waiting for anything: a fresh one, or a stale one where no
    /// newer one is to be had now. `max_age` is how old it may be for a caller that asks for a younger one than usual.
    #[must_use]
    pub fn get_cached(&self, grant: &Grant, max_age: Option<Duration>) -> Option<CachedRoster> {
        let stored = self.store.get(grant.key())?;
        let age = self.clock.now() - stored.began;
        let demanded = max_age.is_some_and(|max_age| age > max_age);
        if demanded && self.pressure(grant).low {
            return Some(CachedRoster { notice: Some(LOW), ..self.cached(grant, &stored, CacheResult::Hit, 0) });
        }
        let invalidated = self.is_invalidated(grant, &stored);
        if age < self.settings.fresh_for && !demanded && !invalidated {
            self.refresh_ahead(grant, &stored, age);
            return Some(self.cached(grant, &stored, CacheResult::Hit, 0));
        }
        let saved = !demanded && !invalidated && {
            let stretch = self.pressure(grant).stretch * stored.spread.max(1.0);
            age.as_secs_f64() < self.settings.fresh_for.as_secs_f64() * stretch
        };
        let refused = || match self.negative_cache.get(grant, self.clock.now()) {
            Some(error) => may_be_stale(grant, &error),
            None => self.refusal(grant, Need::Refresh { calls: stored.calls }).is_some(),
        };
        (saved || refused()).then(|| {
            let notice = demanded.then_some(FAILED);
            CachedRoster { notice, ..self.cached(grant, &stored, CacheResult::Stale, 0) }
        })
    }

    /// Has a roster read again that is about to leave its fresh window, where the plan is not short.
    fn refresh_ahead(&self, grant: &Grant, stored: &StoredRoster, age: Duration) {
        let due = age > self.settings.fresh_for.mul_f64(AHEAD * stored.spread);
        if !due || !self.settings.refresh_ahead || stored.ahead.swap(true, Ordering::Relaxed) {
            return;
        }
        let need = Need::Refresh { calls: stored.calls };
        let plenty = self.pressure(grant).stretch <= 1.0;
        let failing = self.negative_cache.get(grant, self.clock.now()).is_some();
        if plenty && !failing && self.refusal(grant, need).is_none() && self.settings.single_flight {
            let oldest = self.clock.now();
            if let Ok(load) = self.loads.join_or_start(grant, need, oldest, self.waits.start) {
                load.in_background();
            }
        }
    }

    /// Whether the operator has taken the roster back since it began to be read.
    fn is_invalidated(&self, grant: &Grant, stored: &StoredRoster) -> bool {
        self.store.invalidated(grant.key()).is_some_and(|at| stored.began <= at)
    }

    fn refusal(&self, grant: &Grant, need: Need) -> Option<UpstreamError> {
        self.upstream.refusal(grant, need, self.has_accepted(grant.caller()))
    }

    fn pressure(&self, grant: &Grant) -> Pressure {
        self.upstream.pressure(&grant.key().credential)
    }

    /// Has a permanent token issued for the grant's account: at most one call, and only where it can be over by `deadline`.
    pub async fn issue_token(&self, grant: &Grant, deadline: Instant) -> IssuedToken {
        self.loads.issue_token(grant, deadline.min(self.clock.now() + self.waits.start)).await
    }

    /// The rest of the caller's share of the upstream's plan; `None` where nothing is counted.
    #[must_use]
    pub fn share(&self, caller: &Caller) -> Option<BudgetShare> {
        self.upstream.share(caller)
    }

    /// The roster: fresh, or loaded, or stale. `max_age` as for [`get_cached`](Self::get_cached).
    ///
    /// # Errors
    /// [`LookupError`] when the upstream gave none and none is left that may still be served.
    pub async fn get(&self, grant: &Grant, max_age: Option<Duration>) -> Result<CachedRoster, LookupError> {
        self.get_by(grant, max_age, self.request_deadline(None)).await
    }

    /// The same, with an answer by `deadline`.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn get_by(
        &self,
        grant: &Grant,
        max_age: Option<Duration>,
        deadline: Instant,
    ) -> Result<CachedRoster, LookupError> {
        if let Some(cached) = self.get_cached(grant, max_age) {
            return Ok(cached);
        }
        let asked = self.clock.now();
        let known = self.store.get(grant.key());
        let need = known.as_ref().map_or(Need::Missing, |stored| Need::Refresh { calls: stored.calls });
        let refused = || known.is_none().then(|| self.refusal(grant, need)).flatten();
        if let Some(error) = self.negative_cache.get(grant, asked).or_else(refused) {
            self.metrics.looked_up("error");
            return Err(LookupError { calls: 0, error });
        }
        // A caller that asks for something younger than usual means to wait for it.
        let brief = known.is_some() && max_age.is_none();
        let wait = if brief { self.settings.stale_wait } else { self.waits.lookup };
        let (waited, calls) = self.wait(grant, need, max_age, (asked + wait).min(deadline)).await;
        let error = match waited {
            Waited::Loaded(stored, cache) => return Ok(self.cached(grant, &stored, cache, calls)),
            Waited::Failed(error) => error,
            Waited::StillLoading => {
                UpstreamError::from(ErrorKind::Timeout).blaming(Fault::Local).with_retry_after(Duration::from_secs(1))
            }
        };
        // What is there now, not what was: a refusal has dropped it.
        match self.store.get(grant.key()).filter(|_| may_be_stale(grant, &error)) {
            Some(stored) => {
                let notice = max_age.is_some().then_some(FAILED);
                Ok(CachedRoster { notice, ..self.cached(grant, &stored, CacheResult::Stale, calls) })
            }
            None => {
                self.metrics.looked_up("error");
                Err(LookupError { calls, error })
            }
        }
    }

    /// Waits for a load until `deadline`; also says how many calls were made for this look-up. A load that began too long
    /// before the question, or with a secret that was replaced since, does not answer it.
    async fn wait(&self, grant: &Grant, need: Need, max_age: Option<Duration>, deadline: Instant) -> (Waited, u32) {
        let asked = self.clock.now();
        let oldest = asked.checked_sub(max_age.map_or(self.settings.fresh_for, |age| age.min(self.settings.fresh_for)));
        let oldest = oldest.unwrap_or(asked);
        let secret = grant.caller().credential.version();
        // What is taken back while it waits was there when it asked.
        let invalidated = self.store.invalidated(grant.key());
        let mut calls = 0;
        let mut waited = Waited::StillLoading;
        for _ in 0..ROUNDS {
            let mut load = match self.loads.join_or_start(grant, need, oldest, self.waits.start) {
                Ok(load) => load,
                Err(stored) => return (Waited::Loaded(stored, CacheResult::Coalesced), calls),
            };
            let loaded = timeout_at(deadline, load.wait()).await;
            calls += load.calls();
            // A load without a call took what another replica has read.
            let shared = load.joined() || (self.loads.second.is_some() && load.calls() == 0);
            let cache = if shared { CacheResult::Coalesced } else { CacheResult::Miss };
            match loaded {
                Err(_) => return (Waited::StillLoading, calls),
                Ok(LoadOutcome { result: Ok(stored), .. }) => {
                    let young =
                        (max_age.is_none() || stored.began >= oldest) && invalidated.is_none_or(|at| stored.began > at);
                    waited = Waited::Loaded(stored, cache);
                    if young {
                        break;
                    }
                }
                Ok(LoadOutcome { result: Err(error), secret: tried }) => {
                    let late = error.kind() == ErrorKind::Unauthenticated && tried < secret;
                    waited = Waited::Failed(error);
                    if !late {
                        break;
                    }
                }
            }
        }
        (waited, calls)
    }

    fn cached(&self, grant: &Grant, stored: &StoredRoster, cache: CacheResult, calls: u32) -> CachedRoster {
        let age = self.clock.now() - stored.began;
        let invalidated = self.is_invalidated(grant, stored);
        let stale = age > self.settings.fresh_for || invalidated;
        let cache = match cache {
            CacheResult::Hit if stale => CacheResult::Stale,
            CacheResult::Stale if !stale => CacheResult::Hit,
            cache => cache,
        };
        self.metrics.looked_up(cache.name());
        CachedRoster {
            roster: stored.roster.clone(),
            cache,
            calls,
            age,
            stale,
            fresh_for: if invalidated { Duration::ZERO } else { self.settings.fresh_for.saturating_sub(age) },
            notice: None,
        }
    }
}

/// Whether an old roster may be served where this is why there is no newer one.
fn may_be_stale(grant: &Grant, error: &UpstreamError) -> bool {
    match error.kind() {
        ErrorKind::Forbidden => false,
        // Of a caller's own token they were dropped; of the server's they stay.
        ErrorKind::Unauthenticated => matches!(grant.key().credential, CredentialId::Held(_)),
        _ => true,
    }
}
