//! Loads: reads a roster from the upstream and keeps what came of it.
//!
//! A load is admitted by the credential gate, fetches, and leaves its roster in the store or its failure in the negative
//! cache. Invariant: what the upstream refuses to show is removed from the store in the same step, and a panic is an error of
//! that load alone.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::credential_gate::CredentialGate;
use super::feed_board::FeedBoard;
use super::generations::Generations;
use super::negative_cache::NegativeCache;
use super::second_level::{LoadPermission, Lookup, SecondLevel};
use super::single_flight::{InFlight, LoadHandle, LoadOutcome, SingleFlight};
use super::store::{Store, StoredRoster};
use crate::model::{
    Clock, CredentialId, ErrorKind, Grant, Invalidation, InvalidationScope, TeamListener, UpstreamError,
};
use crate::telemetry::{Metrics, TraceContext};
use crate::upstream::{FetchedRoster, Load, LoadObserver, Need, Upstream};

/// By how much later than it was an invalidation of another replica may be dated here.
const HEARD_LATE: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub(super) struct Loads {
    pub(super) upstream: Arc<dyn Upstream>,
    pub(super) store: Arc<Store>,
    pub(super) negative_cache: Arc<NegativeCache>,
    pub(super) gate: Arc<CredentialGate>,
    pub(super) flights: Arc<SingleFlight>,
    pub(super) generations: Arc<Generations>,
    pub(super) feeds: Arc<FeedBoard>,
    /// The rosters that other replicas have read.
    pub(super) second: Option<Arc<SecondLevel>>,
    /// The listener that is told of changes, if there is one.
    pub(super) listener: Option<Arc<dyn TeamListener>>,
    /// Whether concurrent requests share a load.
    pub(super) shared: bool,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
}

/// Sees the calls of a load.
struct CallObserver<'l> {
    loads: &'l Loads,
    grant: &'l Grant,
    flight: &'l InFlight,
    /// Whether the load finds out if the credential is accepted.
    probe: bool,
}

impl LoadObserver for CallObserver<'_> {
    fn before_call(&self) -> Result<(), UpstreamError> {
        // While the load waited, another one may have been refused. A list that has been begun is read to its end.
        let refused = if self.flight.calls() == 0 && !self.probe {
            self.loads.negative_cache.get(self.grant, self.loads.clock.now())
        } else {
            None
        };
        refused.map_or(Ok(()), Err)
    }

    fn called(&self) {
        self.flight.called();
    }

    fn traced(&self, call: &TraceContext) {
        self.flight.traced(call);
    }
}

impl Loads {
    /// Joins the load under way for this grant's roster, or starts one; what has come meanwhile is good enough when it began
    /// at `oldest` or later. A load that cannot make its first call within `timeout` fails.
    pub(super) fn join_or_start(
        self: &Arc<Self>,
        grant: &Grant,
        need: Need,
        oldest: Instant,
        timeout: Duration,
    ) -> Result<LoadHandle, StoredRoster> {
        let current = || {
            self.store.get(grant.key()).filter(|stored| {
                stored.began >= oldest && self.store.invalidated(grant.key()).is_none_or(|at| stored.began > at)
            })
        };
        let load = |flight: Arc<InFlight>| {
            let (loads, grant) = (self.clone(), grant.clone());
            async move {
                let deadline = loads.clock.now() + timeout;
                let load = AssertUnwindSafe(loads.load(&grant, need, oldest, deadline, &flight));
                let result = load.catch_unwind().await.unwrap_or_else(|_| {
                    tracing::error!("a roster load panicked");
                    Err(ErrorKind::Internal.into())
                });
                LoadOutcome { result, secret: grant.caller().credential.version() }
            }
            .boxed()
        };
        self.flights.join_or_start(grant.key(), self.shared, current, load)
    }

    /// Takes the roster that another replica has read, or reads it for all.
    async fn load(
        &self,
        grant: &Grant,
        need: Need,
        oldest: Instant,
        deadline: Instant,
        flight: &InFlight,
    ) -> Result<StoredRoster, UpstreamError> {
        let Some(second) = &self.second else { return self.admitted(grant, need, deadline, flight).await };
        let names = second.names(grant);
        // What the operator has taken back is not read back.
        let taken_back = self.store.invalidated(grant.key()).and_then(|at| at.checked_sub(HEARD_LATE));
        let oldest = taken_back.map_or(oldest, |at| at.max(oldest));
        let generation = match second.find(&names, oldest).await {
            Lookup::Roster(stored, true, _) => return self.take(grant, stored),
            Lookup::Roster(stored, false, generation) => {
                // To be served where there is no newer one to be had, and what a newer one is compared with.
                let is_newer = |own: StoredRoster| own.roster.generation() < stored.roster.generation();
                if self.store.get(grant.key()).is_none_or(is_newer) {
                    self.store.insert(grant.key().clone(), stored);
                }
                generation
            }
            Lookup::Missing(generation) => generation,
            Lookup::Refused(error) => return Err(self.refused_elsewhere(grant, error)),
            Lookup::Away => return self.admitted(grant, need, deadline, flight).await,
        };
        let (claim, generation) = match second.turn(&names, generation, oldest, deadline).await {
            LoadPermission::Ours(claim, generation) => (claim, generation),
            LoadPermission::Roster(stored) => return self.take(grant, stored),
            LoadPermission::Refused(error) => return Err(self.refused_elsewhere(grant, error)),
        };
        let loaded =
            second.holding(claim.as_ref(), second.claim_time, self.admitted(grant, need, deadline, flight)).await;
        match &loaded {
            Ok(stored) => second.publish(names, stored, generation, claim),
            Err(error) => {
                if flight.calls() > 0 {
                    second.refuse(grant, &names, error).await;
                }
                second.give_up(claim);
            }
        }
        loaded
    }

    /// Keeps what another replica has read: with this credential, so it is accepted.
    fn take(&self, grant: &Grant, mut stored: StoredRoster) -> Result<StoredRoster, UpstreamError> {
        // It was published under the marks of now, so it is newer than any invalidation, also than one that was heard of late.
        if let Some(at) = self.store.invalidated(grant.key()) {
            stored.began = stored.began.max(at + Duration::from_nanos(1));
        }
        self.gate.record(&grant.caller().credential, None);
        self.upstream.meet(&grant.caller().credential);
        self.generations.observe(grant.key(), stored.roster.generation());
        self.store.insert(grant.key().clone(), stored.clone());
        self.feeds.publish(grant.key(), &stored.roster, stored.began, stored.calls, self.clock.now());
        self.negative_cache.clear(grant);
        self.count();
        Ok(stored)
    }

    /// Takes in what another replica was refused.
    pub(super) fn refused_elsewhere(&self, grant: &Grant, error: UpstreamError) -> UpstreamError {
        self.gate.record(&grant.caller().credential, Some(&error));
        self.negative_cache.insert(grant, &error, self.clock.now());
        self.drop_refused(grant, &error);
        error
    }

    /// Takes rosters back that began to be read at `at` or before. What is listened to is read again at once.
    pub(super) fn take_back(&self, invalidation: &Invalidation, at: Instant) {
        let withdrawn = match &invalidation.scope {
            InvalidationScope::Credential(credential) => self.held_with(credential),
            InvalidationScope::Account(_) | InvalidationScope::All => Vec::new(),
        };
        self.store.invalidate(invalidation, at);
        self.feeds.take_back(invalidation, at);
        self.count();
        self.tell_taken_back(&invalidation.scope, &withdrawn);
    }

    async fn admitted(
        &self,
        grant: &Grant,
        need: Need,
        deadline: Instant,
        flight: &InFlight,
    ) -> Result<StoredRoster, UpstreamError> {
        let credential = &grant.caller().credential;
        let admission = self.gate.admit(credential.id()).await?;
        let probe = matches!(admission, super::credential_gate::Admission::Probe(_));
        // Another load's outcome may have come since the caller looked.
        let refused = if probe { self.negative_cache.get(grant, self.clock.now()) } else { None };
        let loaded = match refused {
            Some(error) => Err(error),
            None => self.fetch(grant, need, deadline, flight, probe).await,
        };
        admission.finish(loaded.as_ref().err());
        loaded
    }

    async fn fetch(
        &self,
        grant: &Grant,
        need: Need,
        deadline: Instant,
        flight: &InFlight,
        probe: bool,
    ) -> Result<StoredRoster, UpstreamError> {
        let asked = self.clock.now();
        let credential = &grant.caller().credential;
        let observer = CallObserver { loads: self, grant, flight, probe };
        let accepted = self.gate.has_accepted(credential.id());
        let load = Load { grant, need, accepted, deadline, observer: &observer };
        let fetched = self.upstream.fetch(load).await;
        let calls = flight.calls();
        if calls > 0 {
            self.gate.record(credential, fetched.as_ref().err());
        }
        match fetched {
            Ok(FetchedRoster { roster, began }) => {
                if let Some(error) = self.negative_cache.refused_since(credential, asked) {
                    return Err(error);
                }
                let generation = self.generations.next(grant.key(), roster.fetched_at());
                let stored = StoredRoster::new(roster.with_generation(generation), began, calls);
                let listened =
                    self.listener.as_ref().and_then(|listener| Some((listener, self.store.get(grant.key())?)));
                self.store.insert(grant.key().clone(), stored.clone());
                if let Some((listener, before)) = listened {
                    listener.read(grant.account(), &before.roster, &stored.roster);
                }
                if !self.store.is_gone(grant.key(), stored.began) {
                    self.feeds.publish(grant.key(), &stored.roster, stored.began, calls, self.clock.now());
                }
                self.negative_cache.clear(grant);
                self.count();
                Ok(stored)
            }
            Err(error) => {
                if calls > 0 {
                    self.negative_cache.insert(grant, &error, self.clock.now());
                    self.drop_refused(grant, &error);
                    tracing::warn!(outcome = error.kind().label(), calls, "no roster from the upstream");
                }
                Err(error)
            }
        }
    }

    /// Drops what a refusal says may no longer be read. When the server's own credential is refused, that is the operator's
    /// trouble, not the callers': its rosters stay.
    pub(super) fn drop_refused(&self, grant: &Grant, error: &UpstreamError) {
        let credential = &grant.key().credential;
        let withdrawn = match error.kind() {
            ErrorKind::Unauthenticated if matches!(credential, CredentialId::Forwarded(_)) => {
                let held = self.held_with(credential);
                self.store.remove_all(credential);
                held
            }
            ErrorKind::Forbidden => {
                let held = self.held(grant);
                self.store.remove(grant.key());
                held
            }
            _ => return,
        };
        self.tell_withdrawn(&withdrawn);
        self.count();
    }

    pub(super) fn count(&self) {
        let (rosters, bytes) = self.store.size();
        self.metrics.stored(rosters, bytes);
    }
}
