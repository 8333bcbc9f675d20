//! Single flight: concurrent requests for a roster share one load.
//!
//! The request that starts a load (the leader) runs it itself, because starting a task and being woken by it costs more than
//! reading a small list; where that request is long work, a task runs its loads all the same. Cancelling that request does
//! not cancel a load that others wait for, or that has made a call: it goes on in a task of its own. A load that has cost nothing and that no request waits for is cancelled. Invariant: a load that
//! ends in any way, a panic included, leaves no entry behind.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use super::store::StoredRoster;
use crate::compute::on_workers;
use crate::model::{ErrorKind, RosterKey, UpstreamError};
use crate::telemetry::{TaskContext, Trace, TraceContext};

/// The calls of a load that spans of followers are linked to.
const LINKED_CALLS: usize = 16;

/// The loads under way.
#[derive(Default)]
pub(super) struct SingleFlight {
    loads: Mutex<HashMap<RosterKey, Arc<InFlight>>>,
}

/// The result of a load.
#[derive(Clone)]
pub(super) struct LoadOutcome {
    pub(super) result: Result<StoredRoster, UpstreamError>,
    /// The version of the credential's secret that it was loaded with.
    pub(super) secret: u64,
}

/// A load under way.
pub(super) struct InFlight {
    loaded: watch::Sender<Option<LoadOutcome>>,
    /// Calls made so far.
    calls: AtomicU32,
    /// The span of the request that started it, where it is recorded.
    started_by: Option<TraceContext>,
    /// Their spans, where they are recorded.
    spans: Mutex<Vec<TraceContext>>,
    /// Requests that wait.
    waiting: AtomicU32,
    /// Whether it was started for later requests, and goes on without any that waits.
    background: AtomicBool,
    /// Notified when no request waits any more.
    abandoned: Notify,
}

/// A request's part in a load.
pub(super) enum LoadHandle {
    /// Of the request that started it.
    Leader(Leader),
    /// Of one that found it under way.
    Follower(Follower),
}

/// Runs a load; dropped, it leaves the load to a task where it is still wanted.
pub(super) struct Leader {
    load: Option<BoxFuture<'static, LoadOutcome>>,
    flight: Arc<InFlight>,
    registration: Registration,
}

/// Waits for a load.
pub(super) struct Follower {
    flight: Arc<InFlight>,
}

/// A load's entry among those under way.
#[derive(Clone)]
struct Registration {
    flights: Arc<SingleFlight>,
    /// `None` for a load that is not shared.
    key: Option<RosterKey>,
}

/// Removes the entry when the load has ended, in whatever way.
struct Registered {
    registration: Registration,
    flight: Arc<InFlight>,
}

impl SingleFlight {
    /// Joins the load under way for `key`, or starts the one that `load` makes, where `current` finds nothing newer. Without
    /// `shared`, every request has a load of its own.
    pub(super) fn join_or_start(
        self: &Arc<Self>,
        key: &RosterKey,
        shared: bool,
        current: impl FnOnce() -> Option<StoredRoster>,
        load: impl FnOnce(Arc<InFlight>) -> BoxFuture<'static, LoadOutcome>,
    ) -> Result<LoadHandle, StoredRoster> {
        let mut loads = self.loads.lock();
        if let Some(flight) = loads.get(key).filter(|_| shared) {
            flight.waiting.fetch_add(1, Ordering::AcqRel);
            return Ok(LoadHandle::Follower(Follower { flight: flight.clone() }));
        }
        if let Some(stored) = current() {
            return Err(stored);
        }
        let flight = Arc::new(InFlight {
            loaded: watch::channel(None).0,
            calls: AtomicU32::new(0),
            started_by: Trace::recorded(),
            spans: Mutex::default(),
            waiting: AtomicU32::new(1),
            background: AtomicBool::new(false),
            abandoned: Notify::new(),
        });
        if shared {
            loads.insert(key.clone(), flight.clone());
        }
        drop(loads);
        let registration = Registration { flights: self.clone(), key: shared.then(|| key.clone()) };
        let registered = Registered { registration: registration.clone(), flight: flight.clone() };
        let load = load(flight.clone());
        let load = async move {
            let registered = registered;
            let loaded = load.await;
            // Kept, published, and only then removed: a request finds one or the other.
            registered.flight.loaded.send_replace(Some(loaded.clone()));
            loaded
        };
        // For the request that started it, which the log of a load that goes on names, as its trace does.
        let load = on_workers(TaskContext::current().scope(load)).boxed();
        Ok(LoadHandle::Leader(Leader { load: Some(load), flight, registration }))
    }
}

impl InFlight {
    pub(super) fn calls(&self) -> u32 {
        self.calls.load(Ordering::Acquire)
    }

    /// Records that a call is made.
    pub(super) fn called(&self) {
        self.calls.fetch_add(1, Ordering::AcqRel);
    }

    /// Records the span of a call.
    pub(super) fn traced(&self, call: &TraceContext) {
        let mut spans = self.spans.lock();
        if spans.len() < LINKED_CALLS {
            spans.push(call.clone());
        }
    }

    fn is_wanted(&self) -> bool {
        self.calls() > 0 || self.background.load(Ordering::Acquire) || self.waiting.load(Ordering::Acquire) > 0
    }

    fn leave(&self) {
        if self.waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.abandoned.notify_one();
        }
    }

    /// Completes when no request waits for a load that has cost nothing.
    async fn abandoned(&self) {
        while self.is_wanted() {
            self.abandoned.notified().await;
        }
    }
}

impl LoadHandle {
    /// Whether another request started the load.
    pub(super) fn joined(&self) -> bool {
        matches!(self, Self::Follower(_))
    }

    /// Calls that were made for this request so far: those of its own load.
    pub(super) fn calls(&self) -> u32 {
        match self {
            Self::Leader(leader) => leader.flight.calls(),
            Self::Follower(_) => 0,
        }
    }

    /// Lets the load go on although no request waits for it.
    pub(super) fn in_background(self) {
        if let Self::Leader(leader) = &self {
            leader.flight.background.store(true, Ordering::Release);
        }
    }

    /// Waits for the load's result.
    pub(super) async fn wait(&mut self) -> LoadOutcome {
        match self {
            Self::Leader(leader) => leader.await,
            Self::Follower(follower) => {
                let mut loaded = follower.flight.loaded.subscribe();
                let brought = loaded.wait_for(Option::is_some);
                let brought = brought.await.ok().and_then(|loaded| loaded.clone());
                // A load that ended without a result went down with the runtime, or panicked.
                brought.unwrap_or_else(|| LoadOutcome { result: Err(ErrorKind::Internal.into()), secret: 0 })
            }
        }
    }
}

impl Future for Leader {
    type Output = LoadOutcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<LoadOutcome> {
        let Some(load) = &mut self.load else { return Poll::Pending };
        let loaded = load.poll_unpin(context);
        if loaded.is_ready() {
            self.load = None;
        }
        loaded
    }
}

impl Drop for Leader {
    #[expect(clippy::disallowed_methods, reason = "a load holds a permit, and ends with its deadline")]
    fn drop(&mut self) {
        self.flight.leave();
        let (Some(load), Ok(runtime)) = (self.load.take(), Handle::try_current()) else { return };
        if self.registration.cancel(&self.flight) {
            return;
        }
        let (flight, registration) = (self.flight.clone(), self.registration.clone());
        runtime.spawn(async move {
            let mut load = load;
            loop {
                tokio::select! {
                    biased;
                    _ = &mut load => return,
                    () = flight.abandoned() => {}
                }
                if registration.cancel(&flight) {
                    return;
                }
            }
        });
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // Whatever came of it: this is what the request waited for. Where it started the load itself, with another of its
        // operations, the calls are below its span already.
        let is_own = || self.flight.started_by == Trace::recorded();
        Trace::link(|| if is_own() { Vec::new() } else { self.flight.spans.lock().clone() });
        self.flight.leave();
    }
}

impl Registration {
    /// Removes the load where it is not wanted, so that no request can join what is about to be dropped; returns whether it did.
    fn cancel(&self, flight: &Arc<InFlight>) -> bool {
        let mut loads = self.flights.loads.lock();
        if flight.is_wanted() {
            return false;
        }
        self.remove(&mut loads, flight);
        true
    }

    fn remove(&self, loads: &mut HashMap<RosterKey, Arc<InFlight>>, flight: &Arc<InFlight>) {
        if let Some(key) = &self.key
            && loads.get(key).is_some_and(|under_way| Arc::ptr_eq(under_way, flight))
        {
            loads.remove(key);
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // A load that panicked has no result: those who wait for it must not wait for ever.
        self.flight.loaded.send_if_modified(|loaded| {
            let missing = loaded.is_none();
            if missing {
                *loaded = Some(LoadOutcome { result: Err(ErrorKind::Internal.into()), secret: 0 });
            }
            missing
        });
        let mut loads = self.registration.flights.loads.lock();
        self.registration.remove(&mut loads, &self.flight);
    }
}
