//! Refresh: one load at a time for each roster, flown by who started it.
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

use super::failures::Failures;
use super::newcomers::{Newcomers, Turn};
use super::store::{Entry, Store};
use crate::config;
use crate::model::{Clock, Grant, RosterKey};
use crate::telemetry::Metrics;
use crate::upstream::{Error, Fetched, Kind, Need, Upstream};

pub(super) struct Refresh {
    inner: Arc<Inner>,
    single_flight: bool,
}

/// Shows what a load brought once it has landed.
type Flight = watch::Receiver<Option<Loaded>>;

/// What a load brought.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) result: Result<Entry, Error>,
    /// Calls made for whoever started the load; none for those who joined.
    pub(super) calls: u32,
    pub(super) joined: bool,
}

/// A load that goes on.
pub(super) struct Unfinished {
    /// Whether somebody else started it.
    pub(super) joined: bool,
}

struct Inner {
    upstream: Arc<dyn Upstream>,
    store: Arc<Store>,
    failures: Arc<Failures>,
    newcomers: Arc<Newcomers>,
    flights: Mutex<HashMap<RosterKey, Flight>>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl Refresh {
    pub(super) fn new(
        settings: &config::Roster,
        upstream: Arc<dyn Upstream>,
        store: Arc<Store>,
        failures: Arc<Failures>,
        newcomers: Arc<Newcomers>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let flights = Mutex::default();
        Self {
            inner: Arc::new(Inner { upstream, store, failures, newcomers, flights, clock, metrics }),
            single_flight: settings.single_flight,
        }
    }

    /// Joins the load under way for this grant's roster, or starts one; what has landed meanwhile is good enough when it is
    /// no older than `young`. With `patience`, a load that takes longer goes on
    /// without the caller.
    pub(super) async fn load(
        &self,
        grant: &Grant,
        need: Need,
        young: Duration,
        patience: Option<Duration>,
    ) -> Result<Loaded, Unfinished> {
        if !self.single_flight {
            return Ok(self.inner.load(grant, need).await);
        }
        let seat = match self.board(grant, need, young) {
            Ok(seat) => seat,
            Err(landed) => return Ok(Loaded { result: Ok(landed), calls: 0, joined: true }),
        };
        let joined = matches!(seat, Seat::Passenger(_));
        let arrival = seat.arrival();
        match patience {
            None => Ok(arrival.await),
            Some(patience) => timeout(patience, arrival).await.map_err(|_| Unfinished { joined }),
        }
    }

    /// Sees to it that a load is under way, and does not wait for it.
    pub(super) fn start(&self, grant: &Grant, need: Need) {
        if self.single_flight {
            // The seat is given up; the flight goes on.
            drop(self.board(grant, need, Duration::ZERO));
        }
    }

    /// A seat on the flight for this roster, or what a flight brought that landed since the caller looked.
    fn board(&self, grant: &Grant, need: Need, young: Duration) -> Result<Seat, Entry> {
        let mut flights = self.inner.flights();
        if let Some(flight) = flights.get(grant.key()) {
            return Ok(Seat::Passenger(flight.clone()));
        }
        if let Some(entry) = self.inner.store.get(grant.key()).filter(|entry| entry.age() < young) {
            return Err(entry);
        }
        let (landing, flight) = watch::channel(None);
        flights.insert(grant.key().clone(), flight);
        drop(flights);

        let (inner, grant) = (self.inner.clone(), grant.clone());
        let load = async move {
            let loaded = inner.load(&grant, need).await;
            // Kept, landed, and only then off the board: whoever comes finds one or the other.
            landing.send_replace(Some(loaded.clone()));
            inner.flights().remove(grant.key());
            loaded
        };
        Ok(Seat::Pilot(Pilot(Some(load.boxed()))))
    }
}

/// A place on a flight.
enum Seat {
    /// Of who started it.
    Pilot(Pilot),
    /// Of who found it under way.
    Passenger(Flight),
}

impl Seat {
    async fn arrival(self) -> Loaded {
        match self {
            Self::Pilot(pilot) => pilot.await,
            Self::Passenger(mut flight) => {
                let landed = flight.wait_for(Option::is_some).await;
                let loaded = landed.ok().and_then(|loaded| loaded.clone());
                // A flight that is lost without landing went down with the runtime.
                let loaded = loaded.unwrap_or_else(|| Loaded::failed(Kind::Internal.into(), 0));
                Loaded { joined: true, calls: 0, ..loaded }
            }
        }
    }
}

/// Flies a load to its end: itself, or, where it is dropped before, in a task.
struct Pilot(Option<BoxFuture<'static, Loaded>>);

impl Future for Pilot {
    type Output = Loaded;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Loaded> {
        let Some(load) = &mut self.0 else { return Poll::Pending };
        let landed = load.poll_unpin(context);
        if landed.is_ready() {
            self.0 = None;
        }
        landed
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        if let (Some(load), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(load);
        }
    }
}

impl Inner {
    async fn load(&self, grant: &Grant, need: Need) -> Loaded {
        let credential = &grant.key().credential;
        let turn = match self.newcomers.turn(credential).await {
            Ok(turn) => turn,
            Err(error) => return Loaded::failed(error, 0),
        };
        let refused = match &turn {
            Turn::Known => None,
            // Somebody else's verdict may have come since the caller looked.
            Turn::First(_) => self.failures.recall(grant.key(), self.clock.now()),
        };
        let loaded = match refused {
            Some(error) => Loaded::failed(error, 0),
            None => self.fetch(grant, need).await,
        };
        turn.end(&self.newcomers, credential, loaded.result.as_ref().err(), loaded.calls);
        loaded
    }

    async fn fetch(&self, grant: &Grant, need: Need) -> Loaded {
        let began = self.clock.now();
        let fetch = async { self.upstream.fetch(grant, need).await };
        match AssertUnwindSafe(fetch).catch_unwind().await {
            Ok(Fetched { calls, result: Ok(roster) }) => {
                if let Some(error) = self.failures.refused_since(&grant.key().credential, began) {
                    return Loaded::failed(error, calls);
                }
                let entry = Entry::new(roster, self.clock.now(), calls);
                self.store.put(grant.key().clone(), entry.clone());
                self.failures.forget(grant.key());
                self.count();
                Loaded { result: Ok(entry), calls, joined: false }
            }
            Ok(Fetched { calls, result: Err(error) }) => {
                if calls > 0 {
                    self.failures.remember(grant.key(), &error, self.clock.now());
                    self.drop_refused(grant, &error);
                    tracing::warn!(outcome = error.kind().label(), calls, "no roster from the upstream");
                }
                Loaded::failed(error, calls)
            }
            Err(_) => {
                tracing::error!("a roster load panicked");
                Loaded::failed(Kind::Internal.into(), 0)
            }
        }
    }

    /// What a refusal says may no longer be read is not read any more.
    fn drop_refused(&self, grant: &Grant, error: &Error) {
        match error.kind() {
            Kind::Unauthenticated => self.store.remove_all(&grant.key().credential),
            Kind::Forbidden => self.store.remove(grant.key()),
            _ => return,
        }
        self.count();
    }

    fn count(&self) {
        let (rosters, bytes) = self.store.size();
        self.metrics.stored(rosters, bytes);
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<RosterKey, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loaded {
    fn failed(error: Error, calls: u32) -> Self {
        Self { result: Err(error), calls, joined: false }
    }
}
