//! SingleFlight: one load at a time for each roster, flown by who started it.
//!
//! Whoever asks while a load is under way waits for the same one. A caller who leaves takes nothing with them: the load they
//! have started goes on in a task of its own, and its roster is kept. (It is not in one from the start: starting a task, and
//! being woken by it, costs more than reading a small team.) A load that panics is an error for everyone who waits, and the
//! next one works.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::credential_gate::{Admission, CredentialGate};
use super::negative_cache::NegativeCache;
use super::store::{Store, StoredRoster};
use crate::config;
use crate::model::{Clock, Grant, RosterKey};
use crate::model::{ErrorKind, UpstreamError};
use crate::telemetry::Metrics;
use crate::upstream::{Fetched, Need, Upstream};

pub(super) struct SingleFlight {
    inner: Arc<Inner>,
    single_flight: bool,
}

/// Shows what a load brought once it has completed.
type InFlight = watch::Receiver<Option<LoadOutcome>>;

/// What a load brought.
#[derive(Clone)]
pub(super) struct LoadOutcome {
    pub(super) result: Result<StoredRoster, UpstreamError>,
    /// Calls made for whoever started the load; none for those who joined.
    pub(super) calls: u32,
    pub(super) joined: bool,
}

/// A load that goes on.
pub(super) struct StillLoading {
    /// Whether somebody else started it.
    pub(super) joined: bool,
}

struct Inner {
    upstream: Arc<dyn Upstream>,
    store: Arc<Store>,
    negative_cache: Arc<NegativeCache>,
    credential_gate: Arc<CredentialGate>,
    in_flight_loads: Mutex<HashMap<RosterKey, InFlight>>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl SingleFlight {
    pub(super) fn new(
        settings: &config::RosterConfig,
        upstream: Arc<dyn Upstream>,
        store: Arc<Store>,
        negative_cache: Arc<NegativeCache>,
        credential_gate: Arc<CredentialGate>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let in_flight_loads = Mutex::default();
        Self {
            inner: Arc::new(Inner {
                upstream,
                store,
                negative_cache,
                credential_gate,
                in_flight_loads,
                clock,
                metrics,
            }),
            single_flight: settings.single_flight,
        }
    }

    /// Joins the load under way for this grant's roster, or starts one; what has completed meanwhile is good enough when it is
    /// no older than `young`. With `stale_wait`, a load that takes longer goes on
    /// without the caller.
    pub(super) async fn load(
        &self,
        grant: &Grant,
        need: Need,
        young: Duration,
        stale_wait: Option<Duration>,
    ) -> Result<LoadOutcome, StillLoading> {
        if !self.single_flight {
            return Ok(self.inner.load(grant, need).await);
        }
        let handle = match self.join_or_start(grant, need, young) {
            Ok(handle) => handle,
            Err(completed) => return Ok(LoadOutcome { result: Ok(completed), calls: 0, joined: true }),
        };
        let joined = matches!(handle, LoadHandle::Follower(_));
        let outcome = handle.outcome();
        match stale_wait {
            None => Ok(outcome.await),
            Some(stale_wait) => timeout(stale_wait, outcome).await.map_err(|_| StillLoading { joined }),
        }
    }

    /// Sees to it that a load is under way, and does not wait for it.
    pub(super) fn start(&self, grant: &Grant, need: Need) {
        if self.single_flight {
            // The handle is given up; the in_flight goes on.
            drop(self.join_or_start(grant, need, Duration::ZERO));
        }
    }

    /// A handle on the in_flight for this roster, or what a in_flight brought that completed since the caller looked.
    fn join_or_start(&self, grant: &Grant, need: Need, young: Duration) -> Result<LoadHandle, StoredRoster> {
        let mut in_flight_loads = self.inner.in_flight_loads();
        if let Some(in_flight) = in_flight_loads.get(grant.key()) {
            return Ok(LoadHandle::Follower(in_flight.clone()));
        }
        if let Some(entry) = self.inner.store.get(grant.key()).filter(|entry| entry.age() < young) {
            return Err(entry);
        }
        let (completion, in_flight) = watch::channel(None);
        in_flight_loads.insert(grant.key().clone(), in_flight);
        drop(in_flight_loads);

        let (inner, grant) = (self.inner.clone(), grant.clone());
        let load = async move {
            let loaded = inner.load(&grant, need).await;
            // Kept, completed, and only then off the join_or_start: whoever comes finds one or the other.
            completion.send_replace(Some(loaded.clone()));
            inner.in_flight_loads().remove(grant.key());
            loaded
        };
        Ok(LoadHandle::Leader(Leader(Some(load.boxed()))))
    }
}

/// A place on a in_flight.
enum LoadHandle {
    /// Of who started it.
    Leader(Leader),
    /// Of who cached_roster it under way.
    Follower(InFlight),
}

impl LoadHandle {
    async fn outcome(self) -> LoadOutcome {
        match self {
            Self::Leader(leader) => leader.await,
            Self::Follower(mut in_flight) => {
                let completed = in_flight.wait_for(Option::is_some).await;
                let loaded = completed.ok().and_then(|loaded| loaded.clone());
                // A in_flight that is lost without completion went down with the runtime.
                let loaded = loaded.unwrap_or_else(|| LoadOutcome::failed(ErrorKind::Internal.into(), 0));
                LoadOutcome { joined: true, calls: 0, ..loaded }
            }
        }
    }
}

/// Flies a load to its end: itself, or, where it is dropped before, in a task.
struct Leader(Option<BoxFuture<'static, LoadOutcome>>);

impl Future for Leader {
    type Output = LoadOutcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<LoadOutcome> {
        let Some(load) = &mut self.0 else { return Poll::Pending };
        let completed = load.poll_unpin(context);
        if completed.is_ready() {
            self.0 = None;
        }
        completed
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if let (Some(load), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(load);
        }
    }
}

impl Inner {
    async fn load(&self, grant: &Grant, need: Need) -> LoadOutcome {
        let credential = &grant.key().credential;
        let admission = match self.credential_gate.admission(credential).await {
            Ok(admission) => admission,
            Err(error) => return LoadOutcome::failed(error, 0),
        };
        let refused = match &admission {
            Admission::Known => None,
            // Somebody else's outcome may have come since the caller looked.
            Admission::First(_) => self.negative_cache.get(grant.key(), self.clock.now()),
        };
        let loaded = match refused {
            Some(error) => LoadOutcome::failed(error, 0),
            None => self.fetch(grant, need).await,
        };
        admission.end(&self.credential_gate, credential, loaded.result.as_ref().err(), loaded.calls);
        loaded
    }

    async fn fetch(&self, grant: &Grant, need: Need) -> LoadOutcome {
        let began = self.clock.now();
        let fetch = async { self.upstream.fetch(grant, need).await };
        match AssertUnwindSafe(fetch).catch_unwind().await {
            Ok(Fetched { calls, result: Ok(roster) }) => {
                if let Some(error) = self.negative_cache.refused_since(&grant.key().credential, began) {
                    return LoadOutcome::failed(error, calls);
                }
                let entry = StoredRoster::new(roster, self.clock.now(), calls);
                self.store.put(grant.key().clone(), entry.clone());
                self.negative_cache.clear(grant.key());
                self.count();
                LoadOutcome { result: Ok(entry), calls, joined: false }
            }
            Ok(Fetched { calls, result: Err(error) }) => {
                if calls > 0 {
                    self.negative_cache.insert(grant.key(), &error, self.clock.now());
                    self.drop_refused(grant, &error);
                    tracing::warn!(outcome = error.kind().label(), calls, "no roster from the upstream");
                }
                LoadOutcome::failed(error, calls)
            }
            Err(_) => {
                tracing::error!("a roster load panicked");
                LoadOutcome::failed(ErrorKind::Internal.into(), 0)
            }
        }
    }

    /// What a refusal says may no longer be read is not read any more.
    fn drop_refused(&self, grant: &Grant, error: &UpstreamError) {
        match error.kind() {
            ErrorKind::Unauthenticated => self.store.remove_all(&grant.key().credential),
            ErrorKind::Forbidden => self.store.remove(grant.key()),
            _ => return,
        }
        self.count();
    }

    fn count(&self) {
        let (rosters, bytes) = self.store.size();
        self.metrics.stored(rosters, bytes);
    }

    fn in_flight_loads(&self) -> MutexGuard<'_, HashMap<RosterKey, InFlight>> {
        self.in_flight_loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoadOutcome {
    fn failed(error: UpstreamError, calls: u32) -> Self {
        Self { result: Err(error), calls, joined: false }
    }
}
