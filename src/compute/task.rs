//! Tasks: futures that are polled on threads of the pool. Each poll is a job of its own, in its caller's lane, so that a future
//! that waits for the upstream takes no thread, and one that goes on takes its turn again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Wake, Waker};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::lane::Lane;
use super::threads::{ComputeError, Job, Threads};
use super::ticket::Ticket;

/// It waits to be woken.
const IDLE: u8 = 0;
/// It waits for a thread.
const QUEUED: u8 = 1;
/// It is polled.
const RUNNING: u8 = 2;
/// It is polled, and was woken meanwhile.
const WOKEN: u8 = 3;
/// It has ended.
const DONE: u8 = 4;

pub(super) struct Task {
    pool: Arc<Threads>,
    runtime: Handle,
    state: AtomicU8,
    /// With what it holds; gone when it has ended.
    work: Mutex<Option<(Ticket, BoxFuture<'static, ()>)>>,
    lane: Lane,
    is_shared: bool,
}

impl Task {
    pub(super) fn new(
        pool: Arc<Threads>,
        runtime: Handle,
        ticket: Ticket,
        future: BoxFuture<'static, ()>,
    ) -> Arc<Self> {
        let (lane, is_shared) = (ticket.lane, ticket.is_shared);
        let work = Mutex::new(Some((ticket, future)));
        Arc::new(Self { pool, runtime, state: AtomicU8::new(QUEUED), work, lane, is_shared })
    }

    /// Lets it in, if there is room.
    pub(super) fn start(self: &Arc<Self>) -> Result<(), ComputeError> {
        self.pool.push(&self.runtime, self.lane, self.is_shared, self.job())
    }

    fn job(self: &Arc<Self>) -> Job {
        let task = self.clone();
        Box::new(move || task.poll())
    }

    /// Polls it once, unless it was cancelled.
    fn poll(self: &Arc<Self>) {
        self.state.store(RUNNING, Ordering::Release);
        let mut slot = self.work.lock();
        let Some((ticket, future)) = slot.as_mut() else { return };
        let waker = Waker::from(self.clone());
        let ended = ticket.cancellation().check().is_err()
            || Pin::new(future).poll(&mut Context::from_waker(&waker)).is_ready();
        if ended {
            self.state.store(DONE, Ordering::Release);
            // What it holds is released here, on this thread.
            *slot = None;
            return;
        }
        drop(slot);
        if self.state.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire).is_err() {
            self.state.store(QUEUED, Ordering::Release);
            self.pool.push_again(&self.runtime, self.lane, self.job());
        }
    }

    pub(super) fn wake_by_ref(self: &Arc<Self>) {
        let next = |state| match state {
            IDLE => Some(QUEUED),
            RUNNING => Some(WOKEN),
            _ => None,
        };
        if self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, next) == Ok(IDLE) {
            self.pool.push_again(&self.runtime, self.lane, self.job());
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Self::wake_by_ref(self);
    }
}
