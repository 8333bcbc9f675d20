//! Assistance: a part of a job that another thread does meanwhile, where one has nothing else to do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;

use super::lane::Lane;
use super::pool::ComputePool;

/// How long a job waits for the part that another thread does. It gives way to everything, so that it may take long where all
/// cores are busy, and the job is better off doing the part itself.
const LONGEST_WAIT: Duration = Duration::from_millis(2);

/// The part of a job that another thread may be doing. Dropping it lets the part be, where it has not been begun.
pub struct Assistance<T>(Arc<Part<T>>);

struct Part<T> {
    state: Mutex<PartState<T>>,
    changed: Condvar,
}

enum PartState<T> {
    Waiting,
    Begun,
    Done(T),
    /// Its result is not wanted any longer, or it panicked.
    Over,
}

impl ComputePool {
    /// Lets a part of the current job be done by another thread of the pool. `None` where none is free, or no core for it: then
    /// there is nothing to be won.
    #[must_use]
    pub fn assist<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Assistance<T>> {
        let part = Arc::new(Part { state: Mutex::new(PartState::Waiting), changed: Condvar::new() });
        let assistance = Assistance(part.clone());
        self.assistants()?
            .push_to_idle(&Handle::current(), lane, Box::new(move || part.run(work)))
            .then_some(assistance)
    }
}

impl<T> Part<T> {
    fn run(&self, work: impl FnOnce() -> T) {
        {
            let mut state = self.state.lock();
            if !matches!(*state, PartState::Waiting) {
                return;
            }
            *state = PartState::Begun;
        }
        let done = catch_unwind(AssertUnwindSafe(work)).map_or(PartState::Over, PartState::Done);
        let mut state = self.state.lock();
        if matches!(*state, PartState::Begun) {
            *state = done;
            self.changed.notify_one();
        }
    }
}

impl<T> Assistance<T> {
    /// What the part brought. Waits for it briefly, on a thread of the pool; `None` where it was not begun or takes longer.
    #[must_use]
    pub fn join(self) -> Option<T> {
        let mut state = self.0.state.lock();
        self.0.changed.wait_while_for(&mut state, |state| matches!(state, PartState::Begun), LONGEST_WAIT);
        match std::mem::replace(&mut *state, PartState::Over) {
            PartState::Done(result) => Some(result),
            PartState::Waiting | PartState::Begun | PartState::Over => None,
        }
    }
}

impl<T> Drop for Assistance<T> {
    fn drop(&mut self) {
        *self.0.state.lock() = PartState::Over;
    }
}
