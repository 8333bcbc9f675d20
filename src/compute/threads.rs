//! The pool's threads: taken from the runtime while there are jobs, given back after, never more than the pool is wide.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Handle;

use super::queue::{FairQueue, Full};
use super::ticket::Lane;

/// Why work did not bring a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComputeError {
    /// Too much work waits already, in all or for this caller.
    #[error("too much work is waiting")]
    Full,
    /// Its result is no longer wanted.
    #[error("the work was cancelled")]
    Cancelled,
    /// It panicked.
    #[error("the work panicked")]
    Panicked,
}

pub(super) type Job = Box<dyn FnOnce() + Send>;

pub(super) struct Threads {
    width: usize,
    state: Mutex<State>,
}

struct State {
    queue: FairQueue<Job>,
    /// Threads that take jobs.
    running: usize,
}

impl Threads {
    pub(super) fn new(width: usize, limit: usize) -> Arc<Self> {
        let state = Mutex::new(State { queue: FairQueue::new(limit), running: 0 });
        Arc::new(Self { width: width.max(1), state })
    }

    /// How many jobs wait.
    pub(super) fn waiting(&self) -> usize {
        self.state().queue.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Lets a job in, if there is room or it cannot be refused.
    pub(super) fn push(
        self: &Arc<Self>,
        runtime: &Handle,
        lane: Lane,
        refusable: bool,
        job: Job,
    ) -> Result<(), ComputeError> {
        let mut state = self.state();
        if refusable {
            state.queue.push(lane, job).map_err(|Full(_)| ComputeError::Full)?;
        } else {
            state.queue.push_again(lane, job);
        }
        self.start_thread(state, runtime);
        Ok(())
    }

    /// Takes back a job that was let in before.
    pub(super) fn push_again(self: &Arc<Self>, runtime: &Handle, lane: Lane, job: Job) {
        let mut state = self.state();
        state.queue.push_again(lane, job);
        self.start_thread(state, runtime);
    }

    fn start_thread(self: &Arc<Self>, mut state: MutexGuard<'_, State>, runtime: &Handle) {
        if state.running >= self.width {
            return;
        }
        state.running += 1;
        drop(state);
        let shared = self.clone();
        runtime.spawn_blocking(move || shared.work());
    }

    /// Takes jobs as long as there are any.
    fn work(&self) {
        loop {
            let mut state = self.state();
            let Some(job) = state.queue.pop() else {
                state.running -= 1;
                return;
            };
            drop(state);
            // A job catches its own panics; what is left is a drop that panics, which must not take the thread with it.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }
}
