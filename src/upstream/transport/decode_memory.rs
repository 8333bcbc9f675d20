//! Decode memory: what lists may take while they are read, all together.
//!
//! A call reserves memory as its body comes in; the first part of each is free, so that small lists do not wait for large ones.
//! Where there is no room, a call waits briefly for others to end and then fails, as a fault of ours. One call may go past the
//! limit, so that any list can be read that is within its own limits.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::timeout;

/// The part of each body that is not counted, in bytes.
const FREE: u64 = 256 << 10;
/// How long a call waits for room.
const WAIT: Duration = Duration::from_millis(500);

pub(super) struct DecodeMemory {
    limit: u64,
    state: Mutex<DecodeMemoryState>,
    released: Notify,
}

#[derive(Default)]
struct DecodeMemoryState {
    reserved: u64,
    calls: u64,
    /// The call that may go past the limit.
    beyond: Option<u64>,
}

/// There is no room.
pub(super) struct NoRoom;

/// The reservation of one call.
pub(super) struct DecodeReservation {
    memory: Arc<DecodeMemory>,
    id: u64,
    bytes: u64,
}

impl DecodeMemory {
    /// So many bytes in all.
    pub(super) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, state: Mutex::default(), released: Notify::new() })
    }

    /// Nothing yet.
    pub(super) fn open(self: &Arc<Self>) -> DecodeReservation {
        let mut state = self.state.lock();
        state.calls += 1;
        DecodeReservation { memory: self.clone(), id: state.calls, bytes: 0 }
    }
}

impl DecodeReservation {
    /// Holds room for a body of so many bytes.
    pub(super) async fn grow_to(&mut self, length: u64) -> Result<(), NoRoom> {
        let bytes = length.saturating_sub(FREE);
        if bytes <= self.bytes {
            return Ok(());
        }
        let memory = self.memory.clone();
        let room = async {
            loop {
                let mut released = pin!(memory.released.notified());
                // From here on, so that nothing released meanwhile is missed.
                released.as_mut().enable();
                if self.take(bytes) {
                    return;
                }
                released.await;
            }
        };
        timeout(WAIT, room).await.map_err(|_| NoRoom)
    }

    fn take(&mut self, bytes: u64) -> bool {
        let mut state = self.memory.state.lock();
        let reserved = state.reserved + (bytes - self.bytes);
        if reserved > self.memory.limit && *state.beyond.get_or_insert(self.id) != self.id {
            return false;
        }
        state.reserved = reserved;
        self.bytes = bytes;
        true
    }
}

impl Drop for DecodeReservation {
    fn drop(&mut self) {
        let mut state = self.memory.state.lock();
        state.reserved -= self.bytes;
        if state.beyond == Some(self.id) {
            state.beyond = None;
        }
        drop(state);
        self.memory.released.notify_waiters();
    }
}
