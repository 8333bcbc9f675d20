//! The pool: runs jobs on as many threads of each priority as there are cores but one, the callers' in turn.
//!
//! The threads are the pool's own (`threads`), and enter the runtime for each job, so that timers work. Ledger writes, file reads
//! and name look-ups have the runtime's blocking threads, so that they never wait behind a job. A library such as rayon has no
//! fair queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::callers::LongRequestCounts;
use super::task::Task;
use super::threads::{ComputeError, Priority, Threads};
use super::ticket::Ticket;
use crate::model::{Cancellation, Clock};
use crate::telemetry::TaskContext;

/// Runs long work. Cheap to clone; all clones are one pool.
#[derive(Clone)]
pub struct ComputePool {
    /// For work that many wait for, such as reading a roster, and for each caller's first request.
    usual: Arc<Threads>,
    /// For the requests that callers have on top of that.
    giving_way: Arc<Threads>,
    callers: LongRequestCounts,
    width: usize,
    /// How much work there is, of both.
    under_way: Arc<AtomicUsize>,
    /// How many turns connections have had while there was some.
    turns: Arc<AtomicUsize>,
    /// When there was some last, in milliseconds since the pool was made.
    last: Arc<AtomicU64>,
    made: Instant,
}

/// So long after long work more of it is expected: who has loaded a large team reads it, or loads the next.
const MORE: Duration = Duration::from_millis(50);

/// Work that is counted while it is waited for.
struct UnderWay<'p>(&'p ComputePool);

impl ComputePool {
    /// A pool of so many threads of each priority, for each of which at most `limit` jobs wait, half of them one caller's. With
    /// none, there is one of each, which assists in nothing.
    #[must_use]
    pub fn new(width: usize, limit: usize) -> Self {
        let threads = |priority| Threads::new(width, limit, priority);
        Self {
            usual: threads(Priority::Usual),
            giving_way: threads(Priority::Lowest),
            callers: LongRequestCounts::default(),
            width,
            under_way: Arc::default(),
            turns: Arc::default(),
            last: Arc::default(),
            made: Clock::instant(),
        }
    }

    /// The threads that do a part of other jobs where they are idle; none where there is more work than the pool is wide, because
    /// then there is no core for it but the one that the network needs.
    pub(super) fn assistants(&self) -> Option<&Arc<Threads>> {
        (self.under_way() <= self.width).then_some(&self.giving_way)
    }

    fn threads(&self, ticket: &Ticket) -> &Arc<Threads> {
        if ticket.gives_way(&self.callers) { &self.giving_way } else { &self.usual }
    }

    /// As wide as the cores but one: long work that takes them all has small requests wait until the system shares a core.
    #[must_use]
    pub fn beside_the_network(limit: usize) -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from) - 1, limit)
    }

    /// How many jobs wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.usual.waiting() + self.giving_way.waiting()
    }

    /// How much long work there is, with what waits.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Whether there is no long work, and was none in the last 50 milliseconds.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.under_way() == 0 && Clock::elapsed_since(self.made).saturating_sub(last) >= MORE
    }

    /// Tells the pool that a connection has its turn.
    pub fn tell_turn(&self) {
        // Where there is no long work, nothing is written that all workers share.
        if self.under_way() > 0 {
            self.turns.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many turns connections have had while there was long work. A job that finds no new one need leave no core to small requests.
    #[must_use]
    pub fn turns(&self) -> usize {
        self.turns.load(Ordering::Relaxed)
    }

    /// Runs `work` on a thread of the pool. Dropping this future cancels the ticket: work that waits is not begun, and work
    /// that runs is told to stop.
    ///
    /// # Errors
    /// [`ComputeError`] when there is no result.
    pub async fn run<T: Send + 'static>(
        &self,
        ticket: &Ticket,
        work: impl FnOnce(&Cancellation) -> T + Send + 'static,
    ) -> Result<T, ComputeError> {
        let _counted = UnderWay::new(self);
        let (done, result) = oneshot::channel();
        let held = ticket.clone();
        let job = Box::new(move || {
            if held.cancellation().check().is_err() {
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(|| work(held.cancellation())));
            // Released before the result is known, so that who has the result finds the permit free again.
            drop(held);
            let _ = done.send(result.map_err(|_| ComputeError::Panicked));
        });
        self.threads(ticket).push(&Handle::current(), ticket.lane, ticket.is_shared, job)?;
        let guard = Abandon { ticket: Some(ticket), task: None };
        let result = result.await.unwrap_or(Err(ComputeError::Cancelled));
        guard.disarm();
        result
    }

    /// Runs a future on threads of the pool: it takes one while it is polled, and none while it waits. Dropping this future
    /// cancels the ticket, and the other is dropped on a thread of the pool. What it logs and calls belongs to the current
    /// request.
    ///
    /// # Errors
    /// [`ComputeError`] when there is no result.
    pub async fn drive<T: Send + 'static>(
        &self,
        ticket: &Ticket,
        future: BoxFuture<'static, T>,
    ) -> Result<T, ComputeError> {
        let _counted = UnderWay::new(self);
        let (done, result) = oneshot::channel();
        let future = async move {
            let result = AssertUnwindSafe(future).catch_unwind().await;
            let _ = done.send(result.map_err(|_| ComputeError::Panicked));
        };
        let future = TaskContext::current().scope(future).boxed();
        let task = Task::new(self.threads(ticket).clone(), Handle::current(), ticket.clone(), future);
        task.start()?;
        let guard = Abandon { ticket: Some(ticket), task: Some(&task) };
        let result = result.await.unwrap_or(Err(ComputeError::Cancelled));
        guard.disarm();
        result
    }
}

impl<'p> UnderWay<'p> {
    fn new(pool: &'p ComputePool) -> Self {
        pool.under_way.fetch_add(1, Ordering::Relaxed);
        Self(pool)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Self(pool) = self;
        let now = u64::try_from(Clock::elapsed_since(pool.made).as_millis()).unwrap_or(u64::MAX);
        pool.last.store(now, Ordering::Relaxed);
        pool.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Cancels a ticket whose result nothing waits for any more.
struct Abandon<'t> {
    ticket: Option<&'t Ticket>,
    /// Woken after that, so that a future that waits is dropped.
    task: Option<&'t Arc<Task>>,
}

impl Abandon<'_> {
    fn disarm(mut self) {
        self.ticket = None;
    }
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            ticket.cancellation().cancel();
            if let Some(task) = self.task {
                task.wake_by_ref();
            }
        }
    }
}
