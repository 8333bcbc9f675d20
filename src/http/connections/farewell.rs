//! The farewell: said once to all connections of a listener, which finish the requests that they have and end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
        let said = self.0.waiting.notified();
        if !self.0.is_said.load(Ordering::Acquire) {
            said.await;
        }
    }
}
