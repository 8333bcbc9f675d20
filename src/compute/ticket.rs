//! Tickets: whose work it is, how it is told to stop, and what is held until it has ended.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::callers::{CountedRequest, LongRequestCounts};
use super::lane::Lane;
use super::room::{Hold, ReservedRoom, Room};
use crate::model::Cancellation;

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
    /// Memory for what it makes, where that is counted.
    room: Option<Arc<dyn Room>>,
}

impl Ticket {
    /// A request's: `hold` is kept until the last work for it has ended.
    #[must_use]
    pub fn new(lane: Lane, cancellation: Cancellation, hold: Option<Hold>) -> Self {
        Self { lane, cancellation, is_shared: false, entry: Arc::default(), _hold: hold, room: None }
    }

    /// For work that no single request owns. It is not refused and gives way to nothing: what it works on was paid for already,
    /// and others wait for it.
    #[must_use]
    pub fn shared(lane: Lane) -> Self {
        Self { is_shared: true, ..Self::new(lane, Cancellation::without_deadline(), None) }
    }

    /// What the work makes takes room of this.
    #[must_use]
    pub fn with_room(self, room: Arc<dyn Room>) -> Self {
        Self { room: Some(room), ..self }
    }

    /// Whether there is any room for what the work makes.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.room.as_ref().is_none_or(|room| room.is_left())
    }

    /// Room for so many bytes that the work has made; `None` where there is not so much left.
    #[must_use]
    pub fn reserve(&self, bytes: usize) -> Option<ReservedRoom> {
        match &self.room {
            Some(room) => room.reserve(bytes).map(|hold| ReservedRoom::new(bytes, hold)),
            None => Some(ReservedRoom::default()),
        }
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
