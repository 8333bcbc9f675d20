//! The request loader: batches the keys of one request into few roster look-ups.
//!
//! The first field that needs an account starts its look-up: a fresh roster is returned synchronously; otherwise the account joins
//! the request's open batch (async-graphql's dataloader), whose look-ups run side by side. Every later field of the request
//! reads the same snapshot or the same error. Callers that know every account up front load them in one batch.
//! Invariant: one request causes at most one look-up for each account.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader as BatchLoader};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered};
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::time::Instant;

use super::lookups::{KnownLookup, Lookups};
use crate::model::{BudgetShare, CacheResult, CachedRoster, ErrorKind, PermanentToken, UpstreamError};
use crate::model::{Caller, Grant};
use crate::roster::{IssuedToken, LookupError, Rosters};
use crate::telemetry::Metrics;

/// The roster of one account, or why there is none; the same for every field of a request.
pub type Loaded = Result<CachedRoster, UpstreamError>;

type PendingBatches = Arc<Mutex<Vec<BoxFuture<'static, ()>>>>;

/// One request's loader.
pub struct Loader {
    batch: RosterBatch,
    /// The open batch, for fields that load one account each.
    batcher: OnceLock<DataLoader<RosterBatch>>,
    /// Batches that have been opened and are not running yet; none while every roster was at hand.
    pending_batches: OnceLock<PendingBatches>,
    lookups: Lookups,
    /// The request's caller, known from the first look-up.
    caller: OnceLock<Caller>,
    /// The upstream calls beside those for rosters.
    direct: Mutex<Option<LookupSummary>>,
}

/// A summary of a request's look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupSummary {
    /// Upstream calls made for this request.
    pub calls: u32,
    /// The worst cache result of all rosters; `None` when no roster was found.
    pub cache: Option<CacheResult>,
    /// The age of the oldest roster.
    pub age: Duration,
    /// The time until the first of the rosters is no longer fresh.
    pub fresh_for: Duration,
    /// Whether a look-up failed.
    pub failed: bool,
    /// Why a roster is older than the requested maximum age.
    pub notice: Option<&'static str>,
    /// The caller's share of the vendor's plan.
    pub share: Option<BudgetShare>,
}

impl Loader {
    /// A loader for one request, which must have ended by `end`. `concurrency` is the number of accounts that are loaded in
    /// parallel, `max_age` the maximum age of a roster, if the request asks for one.
    #[must_use]
    pub fn new(
        rosters: Arc<Rosters>,
        concurrency: usize,
        max_age: Option<Duration>,
        end: Option<Instant>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let deadline = rosters.request_deadline(end);
        Self {
            batch: RosterBatch { rosters, concurrency, max_age, deadline, metrics },
            batcher: OnceLock::new(),
            pending_batches: OnceLock::new(),
            lookups: Lookups::default(),
            caller: OnceLock::new(),
            direct: Mutex::default(),
        }
    }

    /// Has a permanent token issued for the grant's account.
    ///
    /// # Errors
    /// The upstream's error.
    pub async fn issue_token(&self, grant: &Grant) -> Result<PermanentToken, UpstreamError> {
        let _ = self.caller.set(grant.caller().clone());
        let IssuedToken { result, calls } = self.batch.rosters.issue_token(grant, self.batch.deadline).await;
        let one = LookupSummary { calls, failed: result.is_err(), ..LookupSummary::NOTHING };
        let mut direct = lock(&self.direct);
        *direct = Some(direct.map_or(one, |summary| summary.with(one)));
        result
    }

    /// Loads the roster of the grant; concurrent calls of one request join one batch.
    ///
    /// # Errors
    /// The upstream's error, when there is no roster to serve.
    pub async fn load(&self, grant: &Grant) -> Loaded {
        let cell = self.lookups.of(grant.key());
        let loaded = cell.get_or_init(|| async {
            if let Some(found) = self.get_cached(grant) {
                return Ok(found);
            }
            let batch = self.batcher.get_or_init(|| self.batches());
            match batch.load_one(BatchKey(grant.clone())).await {
                Ok(loaded) => loaded.unwrap_or_else(missing_key),
                Err(never) => match never {},
            }
        });
        loaded.await.clone().map_err(|failed| failed.error)
    }

    /// Loads the rosters of all grants, in their order. The missing ones are
    /// one batch, which starts at once.
    pub async fn load_all(&self, grants: &[&Grant]) -> SmallVec<[Loaded; 1]> {
        let cells: SmallVec<[_; 1]> = grants.iter().map(|grant| self.lookups.of(grant.key())).collect();
        let missed = self.missed(grants, &cells);
        if !missed.is_empty() {
            let Ok(mut loaded) = self.batch.load(&missed).await;
            for (grant, cell) in grants.iter().zip(&cells).filter(|(_, cell)| cell.get().is_none()) {
                let _ = cell.set(loaded.remove(&BatchKey((*grant).clone())).unwrap_or_else(missing_key));
            }
        }
        let loaded =
            |cell: KnownLookup<'_>| cell.get().cloned().unwrap_or_else(missing_key).map_err(|failed| failed.error);
        cells.into_iter().map(loaded).collect()
    }

    /// The grants whose rosters are not at hand, each roster once.
    fn missed(&self, grants: &[&Grant], cells: &[KnownLookup<'_>]) -> Vec<BatchKey> {
        let mut missed = Vec::new();
        let mut missed_keys = HashSet::new();
        for (grant, cell) in grants.iter().zip(cells).filter(|(_, cell)| cell.get().is_none()) {
            match self.get_cached(grant) {
                Some(found) => drop(cell.set(Ok(found))),
                None if missed_keys.insert(grant.key()) => missed.push(BatchKey((*grant).clone())),
                None => {}
            }
        }
        missed
    }

    fn get_cached(&self, grant: &Grant) -> Option<CachedRoster> {
        let _ = self.caller.set(grant.caller().clone());
        self.batch.rosters.get_cached(grant, self.batch.max_age)
    }

    /// A batcher whose batches start when the execution waits for them.
    fn batches(&self) -> DataLoader<RosterBatch> {
        let queue = self.pending_batches.get_or_init(PendingBatches::default).clone();
        DataLoader::new(self.batch.clone(), move |batch| lock(&queue).push(batch))
            .delay(Duration::ZERO)
            .max_batch_size(usize::MAX)
    }

    /// Runs `execution` together with the batches it opens. A batch starts when the execution can make no progress without
    /// it, so that all keys requested until then are in one batch.
    pub async fn run_with_batches<T>(&self, mut execution: Pin<&mut impl Future<Output = T>>) -> T {
        let mut running = None;
        std::future::poll_fn(|context| {
            loop {
                if let Poll::Ready(output) = execution.as_mut().poll(context) {
                    return Poll::Ready(output);
                }
                let running = running.get_or_insert_with(FuturesUnordered::new);
                if let Some(pending) = self.pending_batches.get() {
                    running.extend(std::mem::take(&mut *lock(pending)));
                }
                match running.poll_next_unpin(context) {
                    // A batch has finished: the execution can continue.
                    Poll::Ready(Some(())) => {}
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    /// The summary of the look-ups so far; `None` when there was none.
    #[must_use]
    pub fn summary(&self) -> Option<LookupSummary> {
        let mut summary = *lock(&self.direct);
        self.lookups.each(|loaded| {
            let one = match loaded {
                Ok(found) => LookupSummary {
                    calls: found.calls,
                    cache: Some(found.cache),
                    age: found.age,
                    fresh_for: found.fresh_for,
                    failed: false,
                    notice: found.notice,
                    share: None,
                },
                Err(failed) => LookupSummary { calls: failed.calls, failed: true, ..LookupSummary::NOTHING },
            };
            summary = Some(summary.map_or(one, |summary| summary.with(one)));
        });
        let share = self.caller.get().and_then(|caller| self.batch.rosters.share(caller));
        summary.map(|summary| LookupSummary { share, ..summary })
    }
}

impl LookupSummary {
    /// No call, and nothing that may be cached.
    const NOTHING: Self = Self {
        calls: 0,
        cache: None,
        age: Duration::ZERO,
        fresh_for: Duration::ZERO,
        failed: false,
        notice: None,
        share: None,
    };

    fn with(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            cache: self.cache.max(other.cache),
            age: self.age.max(other.age),
            fresh_for: self.fresh_for.min(other.fresh_for),
            failed: self.failed || other.failed,
            notice: self.notice.or(other.notice),
            share: self.share.or(other.share),
        }
    }
}

/// A grant as a batch key, equal for the same roster.
#[derive(Clone)]
struct BatchKey(Grant);

impl PartialEq for BatchKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}

impl Eq for BatchKey {}

impl std::hash::Hash for BatchKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.key().hash(state);
    }
}

#[derive(Clone)]
struct RosterBatch {
    rosters: Arc<Rosters>,
    concurrency: usize,
    max_age: Option<Duration>,
    /// By when the request's look-ups have an answer.
    deadline: Instant,
    metrics: Arc<Metrics>,
}

impl BatchLoader<BatchKey> for RosterBatch {
    /// Errors are values, so that one account's error does not fail the batch.
    type Value = Result<CachedRoster, LookupError>;
    type Error = Infallible;

    async fn load(&self, keys: &[BatchKey]) -> Result<HashMap<BatchKey, Self::Value>, Infallible> {
        self.metrics.batched(keys.len());
        let get = |key: BatchKey| async move {
            let loaded = self.rosters.get_by(&key.0, self.max_age, self.deadline).await;
            (key, loaded)
        };
        if let [key] = keys {
            // A set of futures that all wait wakes its own task, which wakes another worker for nothing.
            return Ok(HashMap::from([get(key.clone()).await]));
        }
        let loads = stream::iter(keys.iter().cloned()).map(get);
        Ok(loads.buffer_unordered(self.concurrency.max(1)).collect().await)
    }
}

/// The error for a key that a batch did not answer.
fn missing_key() -> Result<CachedRoster, LookupError> {
    Err(LookupError { calls: 0, error: ErrorKind::Internal.into() })
}

fn lock<T>(mutex: &Mutex<T>) -> parking_lot::MutexGuard<'_, T> {
    mutex.lock()
}
