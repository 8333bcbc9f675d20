//! Tickets: whose work it is, how it is told to stop, and what is held until it has ended.

use std::any::Any;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, LazyLock};

use ahash::RandomState;

use crate::model::Cancellation;

/// Something that is released when the last holder is gone: an admission permit, reserved memory.
pub type Hold = Arc<dyn Any + Send + Sync>;

/// Whose turn it is: equal for equal callers. (Two callers with the same hash share their turns, which is harmless.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lane(u64);

/// Keyed per process, so that no client can choose to share another's lane.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Lane {
    /// The lane of this caller.
    pub fn of(caller: &impl Hash) -> Self {
        Self(HASHER.hash_one(caller))
    }
}

/// What every piece of work of one request has in common.
#[derive(Clone)]
pub struct Ticket {
    pub(super) lane: Lane,
    cancellation: Cancellation,
    /// Whether it is work that many wait for. Other work can be refused where too much waits, and gives way to it.
    pub(super) is_shared: bool,
    /// Only kept.
    _hold: Option<Hold>,
}

impl Ticket {
    /// A request's: `hold` is kept until the last work for it has ended.
    #[must_use]
    pub fn new(lane: Lane, cancellation: Cancellation, hold: Option<Hold>) -> Self {
        Self { lane, cancellation, is_shared: false, _hold: hold }
    }

    /// For work that no single request owns. It is not refused and gives way to nothing: what it works on was paid for already,
    /// and others wait for it.
    #[must_use]
    pub fn shared(lane: Lane) -> Self {
        Self { is_shared: true, ..Self::new(lane, Cancellation::without_deadline(), None) }
    }

    /// Tells the work to stop.
    #[must_use]
    pub fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }
}

/// For work that belongs to no caller: of tests and benchmarks.
impl Default for Ticket {
    fn default() -> Self {
        Self::shared(Lane::of(&()))
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("lane", &self.lane).finish_non_exhaustive()
    }
}
