//! The pool's threads: started while there are jobs, ended when there were none for a while, never more than the pool is wide.
//!
//! Those for what gives way have the lowest priority that the system gives to threads: a worker that is woken by a small
//! request runs at once. At equal priority it waits for milliseconds where all cores are busy, until the thread that
//! computes has had its time. (32 long requests at once, two cores, a small one beside them: 99 % within 0.4 to 1.5 ms instead
//! of 2.1 to 3.4.) Priorities can be given up, but not taken back, so the runtime's own threads cannot lend themselves to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::runtime::Handle;

use super::lane::Lane;
use super::on_workers::enter_pool;
use super::queue::{FairQueue, Full};

/// For how long a thread waits for the next job before it ends.
const IDLE: Duration = Duration::from_secs(10);

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

/// How the system chooses between threads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    Usual,
    Lowest,
}

pub(super) struct Threads {
    width: usize,
    priority: Priority,
    state: Mutex<PoolState>,
    /// Told of each job.
    pushed: Condvar,
}

struct PoolState {
    /// With the runtimes whose timers and tasks they use.
    queue: FairQueue<(Handle, Job)>,
    threads: usize,
    /// Threads that wait for a job.
    idle: usize,
}

impl Threads {
    pub(super) fn new(width: usize, limit: usize, priority: Priority) -> Arc<Self> {
        let state = Mutex::new(PoolState { queue: FairQueue::new(limit), threads: 0, idle: 0 });
        Arc::new(Self { width: width.max(1), priority, state, pushed: Condvar::new() })
    }

    /// How many jobs wait.
    pub(super) fn waiting(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// Lets a job in, if there is room or it is shared.
    pub(super) fn push(
        self: &Arc<Self>,
        runtime: &Handle,
        lane: Lane,
        is_shared: bool,
        job: Job,
    ) -> Result<(), ComputeError> {
        let (mut state, job) = (self.state.lock(), (runtime.clone(), job));
        if is_shared {
            state.queue.push_again(lane, job);
        } else {
            state.queue.push(lane, job).map_err(|Full(_)| ComputeError::Full)?;
        }
        self.pushed(state);
        Ok(())
    }

    /// Takes back a job that was let in before.
    pub(super) fn push_again(self: &Arc<Self>, runtime: &Handle, lane: Lane, job: Job) {
        let mut state = self.state.lock();
        state.queue.push_again(lane, (runtime.clone(), job));
        self.pushed(state);
    }

    /// Lets a job in where a thread can take it at once.
    pub(super) fn push_to_idle(self: &Arc<Self>, runtime: &Handle, lane: Lane, job: Job) -> bool {
        let mut state = self.state.lock();
        let is_idle = state.queue.len() < state.idle || state.threads < self.width;
        if is_idle {
            state.queue.push_again(lane, (runtime.clone(), job));
            self.pushed(state);
        }
        is_idle
    }

    /// Wakes a thread, or starts one where all are busy. Where the system has no thread to give, those that there are do the
    /// work, and the next job tries again.
    fn pushed(self: &Arc<Self>, mut state: MutexGuard<'_, PoolState>) {
        if state.queue.len() <= state.idle || state.threads >= self.width {
            self.pushed.notify_one();
            return;
        }
        state.threads += 1;
        drop(state);
        let shared = self.clone();
        let start = move || {
            enter_pool();
            if shared.priority == Priority::Lowest {
                give_way();
            }
            shared.work();
        };
        if Builder::new().name("compute".to_owned()).spawn(start).is_err() {
            self.state.lock().threads -= 1;
        }
    }

    /// Takes jobs until there have been none for a while.
    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some((runtime, job)) = state.queue.pop() {
                MutexGuard::unlocked(&mut state, || {
                    let _entered = runtime.enter();
                    // A job catches its own panics; what is left is a drop that panics, which must not take the thread with it.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                });
                continue;
            }
            state.idle += 1;
            let is_over = self.pushed.wait_for(&mut state, IDLE).timed_out();
            state.idle -= 1;
            if is_over && state.queue.len() == 0 {
                state.threads -= 1;
                return;
            }
        }
    }
}

/// Lets every other thread of the process run before this one.
#[cfg(target_os = "linux")]
fn give_way() {
    // Of this thread alone: that is what Linux takes a process's priority for. Where it is forbidden, nothing is lost but time.
    let _ = rustix::process::setpriority_process(None, 19);
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}
