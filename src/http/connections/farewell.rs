//! The farewell: said once to all connections of a listener, which finish the requests that they have and end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};

use tokio::sync::Notify;

/// Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Farewell(Arc<FarewellState>);

#[derive(Default)]
struct FarewellState {
    is_said: AtomicBool,
    waiting: Notify,
}

impl Farewell {
    /// Says it.
    pub fn say(&self) {
        self.0.is_said.store(true, Ordering::Release);
        self.0.waiting.notify_waiters();
    }

    /// Waits until it is said.
    pub async fn said(&self) {
        // From here on it is told, and what was said before is seen below.
        let mut said = pin!(self.0.waiting.notified());
        let mut told: Option<Waker> = None;
        poll_fn(|context| {
            if self.0.is_said.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            // A connection asks whenever it is polled: all of them would wait for one lock to say again what to wake.
            if told.as_ref().is_some_and(|told| told.will_wake(context.waker())) {
                return Poll::Pending;
            }
            told = Some(context.waker().clone());
            said.as_mut().poll(context)
        })
        .await;
    }
}
