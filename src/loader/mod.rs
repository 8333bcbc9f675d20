//! The loader: gathers what one request asks for, however many fields ask, into few look-ups.
//!
//! The first field that needs an account decides for all: a fresh roster answers it at once; otherwise the account joins
//! the request's open batch (async-graphql's dataloader), whose look-ups run side by side. Every later field of the request
//! reads the same snapshot, or the same error. Who knows all accounts beforehand has them looked up as one batch.
//! Invariant: one request causes at most one look-up for each account.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader as BatchLoader};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered};
use tokio::sync::OnceCell;

use crate::model::{Caller, Grant, RosterKey};
use crate::roster::{CacheResult, Failed, Found, Rosters};
use crate::telemetry::Metrics;
use crate::upstream::{Error, Kind, Share};

/// The roster of one account, or why there is none; the same for every field of a request.
pub type Loaded = Result<Found, Error>;

/// What became of an account's look-up, once it has.
type Cell = OnceCell<Result<Found, Failed>>;

/// One request's loader.
pub struct Loader {
    batch: Batch,
    /// The open batch of fields that ask one by one.
    gathering: OnceLock<DataLoader<Batch>>,
    /// Batches that were opened and wait to be driven.
    opened: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
    seen: Mutex<HashMap<RosterKey, Arc<Cell>>>,
    /// The first caller that a look-up was for: the request's only one.
    caller: OnceLock<Caller>,
}

/// What a request's look-ups came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Upstream calls made for this request.
    pub calls: u32,
    /// The worst place that a roster came from; `None` when none came.
    pub cache: Option<CacheResult>,
    /// The age of the oldest roster.
    pub age: Duration,
    /// How much longer all of the rosters count as fresh.
    pub fresh_for: Duration,
    /// Whether an account was asked for in vain.
    pub failed: bool,
    /// Why a roster is older than the caller asked for.
    pub notice: Option<&'static str>,
    /// What the caller may still spend of the upstream's plan.
    pub share: Option<Share>,
}

impl Loader {
    /// A loader for one request; `concurrency` is how many accounts are looked up side by side, `max_age` how old a roster
    /// may be for a caller who asks for a younger one than usual.
    #[must_use]
    pub fn new(rosters: Arc<Rosters>, concurrency: usize, max_age: Option<Duration>, metrics: Arc<Metrics>) -> Self {
        Self {
            batch: Batch { rosters, concurrency, max_age, metrics },
            gathering: OnceLock::new(),
            opened: Arc::default(),
            seen: Mutex::default(),
            caller: OnceLock::new(),
        }
    }

    /// The roster that the grant opens, for a field that does not know what the others ask for.
    ///
    /// # Errors
    /// Why there is none, in the upstream's terms.
    pub async fn load(&self, grant: &Grant) -> Loaded {
        let cell = self.cell(grant);
        let loaded = cell.get_or_init(|| async {
            if let Some(found) = self.at_once(grant) {
                return Ok(found);
            }
            let batch = self.gathering.get_or_init(|| self.batches(usize::MAX));
            match batch.load_one(Key(grant.clone())).await {
                Ok(loaded) => loaded.unwrap_or_else(missing),
                Err(never) => match never {},
            }
        });
        loaded.await.clone().map_err(|failed| failed.error)
    }

    /// The rosters that the grants open, in their order, for who knows all that the request asks for: those that are not
    /// there are one batch, which starts without waiting for more.
    pub async fn load_all(&self, grants: &[&Grant]) -> Vec<Loaded> {
        let cells: Vec<_> = grants.iter().map(|grant| self.cell(grant)).collect();
        let mut missed = Vec::new();
        for (grant, cell) in grants.iter().zip(&cells).filter(|(_, cell)| cell.get().is_none()) {
            match self.at_once(grant) {
                Some(found) => drop(cell.set(Ok(found))),
                None => missed.push(Key((*grant).clone())),
            }
        }
        if !missed.is_empty() {
            let Ok(mut loaded) = self.batches(1).load_many(missed).await;
            for (grant, cell) in grants.iter().zip(&cells).filter(|(_, cell)| cell.get().is_none()) {
                let _ = cell.set(loaded.remove(&Key((*grant).clone())).unwrap_or_else(missing));
            }
        }
        let loaded = |cell: Arc<Cell>| cell.get().cloned().unwrap_or_else(missing).map_err(|failed| failed.error);
        cells.into_iter().map(loaded).collect()
    }

    fn cell(&self, grant: &Grant) -> Arc<Cell> {
        lock(&self.seen).entry(grant.key().clone()).or_default().clone()
    }

    fn at_once(&self, grant: &Grant) -> Option<Found> {
        let _ = self.caller.set(grant.caller().clone());
        self.batch.rosters.at_once(grant, self.batch.max_age)
    }

    /// Batches that start when so many accounts are asked for, or when somebody drives them.
    fn batches(&self, size: usize) -> DataLoader<Batch> {
        let queue = self.opened.clone();
        DataLoader::new(self.batch.clone(), move |batch| lock(&queue).push(batch))
            .delay(Duration::ZERO)
            .max_batch_size(size)
    }

    /// Runs `execution` together with the batches it opens. A batch starts when the execution can get no further without
    /// it, so that all that it asks for at one time goes into one.
    pub async fn drive<T>(&self, execution: impl Future<Output = T>) -> T {
        let mut execution = pin!(execution);
        let mut running = None;
        std::future::poll_fn(|context| {
            loop {
                if let Poll::Ready(output) = execution.as_mut().poll(context) {
                    return Poll::Ready(output);
                }
                let running = running.get_or_insert_with(FuturesUnordered::new);
                running.extend(std::mem::take(&mut *lock(&self.opened)));
                match running.poll_next_unpin(context) {
                    // A batch has come in: the execution can go on.
                    Poll::Ready(Some(())) => {}
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    /// What the look-ups so far came to; `None` when there was none.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        let seen = lock(&self.seen);
        let mut report: Option<Report> = None;
        for loaded in seen.values().filter_map(|cell| cell.get()) {
            let one = match loaded {
                Ok(found) => Report {
                    calls: found.calls,
                    cache: Some(found.cache),
                    age: found.age,
                    fresh_for: found.fresh_for,
                    failed: false,
                    notice: found.notice,
                    share: None,
                },
                Err(failed) => Report {
                    calls: failed.calls,
                    cache: None,
                    age: Duration::ZERO,
                    fresh_for: Duration::ZERO,
                    failed: true,
                    notice: None,
                    share: None,
                },
            };
            report = Some(report.map_or(one, |report| report.with(one)));
        }
        let share = self.caller.get().and_then(|caller| self.batch.rosters.share(caller));
        report.map(|report| Report { share, ..report })
    }
}

impl Report {
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

/// A grant as a batch's key: two for the same roster are one.
#[derive(Clone)]
struct Key(Grant);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.key().hash(state);
    }
}

#[derive(Clone)]
struct Batch {
    rosters: Arc<Rosters>,
    concurrency: usize,
    max_age: Option<Duration>,
    metrics: Arc<Metrics>,
}

impl BatchLoader<Key> for Batch {
    /// Errors are values here, so that one account's does not become every account's.
    type Value = Result<Found, Failed>;
    type Error = Infallible;

    async fn load(&self, keys: &[Key]) -> Result<HashMap<Key, Self::Value>, Infallible> {
        self.metrics.batched(keys.len());
        let loads = stream::iter(keys.iter().cloned()).map(|key| async move {
            let loaded = self.rosters.get(&key.0, self.max_age).await;
            (key, loaded)
        });
        Ok(loads.buffer_unordered(self.concurrency.max(1)).collect().await)
    }
}

/// A batch answers all of its keys.
fn missing() -> Result<Found, Failed> {
    Err(Failed { calls: 0, error: Kind::Internal.into() })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
