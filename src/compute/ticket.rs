//! Tickets: whose work it is, how it is told to stop, and what is held until it has ended.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::callers::{CountedRequest, LongRequestCounts};
use super::lane::Lane;
use crate::model::Cancellation;

/// Something that is released when the last holder is gone: an admission permit, reserved memory.
pub type Hold = Arc<dyn Any + Send + Sync>;

/// The state that all work of one request has in common.
#[derive(Clone)]
pub struct Ticket {
    pub(super) lane: Lane,
    cancellation: Cancellation,
    /// Whether it is work that many wait for. Other work can be refused where too much waits.
    pub(super) is_shared: bool,
    /// Found when the first of its work begins.
    entry: Arc<OnceLock<CountedRequest>>,
    /// Only kept.
    _hold: Option<Hold>,
}

impl Ticket {
    /// A request's: `hold` is kept until the last work for it has ended.
    #[must_use]
    pub fn new(lane: Lane, cancellation: Cancellation, hold: Option<Hold>) -> Self {
        Self { lane, cancellation, is_shared: false, entry: Arc::default(), _hold: hold }
    }

    /// For work that no single request owns. It is not refused and gives way to nothing: what it works on was paid for already,
    /// and others wait for it.
    #[must_use]
    pub fn shared(lane: Lane) -> Self {
        Self { is_shared: true, ..Self::new(lane, Cancellation::without_deadline(), None) }
    }

    /// Whether its work gives way to everything else: where its caller has other requests with long work under way.
    pub(super) fn gives_way(&self, callers: &LongRequestCounts) -> bool {
        !self.is_shared && !self.entry.get_or_init(|| callers.enter(self.lane)).is_first
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
