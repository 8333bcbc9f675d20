//! Cancellation: tells long work that its result is no longer wanted, because the request was dropped or its deadline has
//! passed. Loops over rows look at it every thousand rows, so that an abandoned request costs at most that much more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;

use super::Clock;

/// How many rows may be worked through between two looks.
const STRIDE: u32 = 1000;

/// Shared by a request and all work that is done for it.
#[derive(Clone, Debug)]
pub struct Cancellation(Arc<CancellationState>);

#[derive(Debug)]
struct CancellationState {
    cancelled: AtomicBool,
    deadline: Option<Instant>,
}

/// The result of the work is no longer wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work was cancelled")]
pub struct Cancelled;

impl Cancellation {
    /// Cancelled by a call, or when the deadline has passed.
    #[must_use]
    pub fn at(deadline: Instant) -> Self {
        Self(Arc::new(CancellationState { cancelled: AtomicBool::new(false), deadline: Some(deadline) }))
    }

    /// Cancelled by a call only.
    #[must_use]
    pub fn without_deadline() -> Self {
        Self(Arc::new(CancellationState { cancelled: AtomicBool::new(false), deadline: None }))
    }

    /// When the result is no longer wanted at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// The result is no longer wanted.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the work may go on.
    ///
    /// # Errors
    /// [`Cancelled`] when its result is no longer wanted.
    pub fn check(&self) -> Result<(), Cancelled> {
        let late = || self.0.deadline.is_some_and(|deadline| Clock::instant() >= deadline);
        if self.0.cancelled.load(Ordering::Relaxed) || late() { Err(Cancelled) } else { Ok(()) }
    }

    /// For a loop over rows.
    #[must_use]
    pub fn rows(&self) -> RowCounter<'_> {
        RowCounter { cancellation: self, left: STRIDE }
    }
}

/// Counts the rows of a loop, and looks at the flag every thousand of them.
#[derive(Debug)]
pub struct RowCounter<'c> {
    cancellation: &'c Cancellation,
    left: u32,
}

impl RowCounter<'_> {
    /// Counts one row.
    ///
    /// # Errors
    /// [`Cancelled`] when the loop may stop.
    #[inline]
    pub fn next_row(&mut self) -> Result<(), Cancelled> {
        self.left -= 1;
        if self.left > 0 {
            return Ok(());
        }
        self.left = STRIDE;
        self.cancellation.check()
    }
}
