//! Response memory: answers that are made and that their clients have yet to take.
//!
//! An answer is counted from when it is made until its last byte has gone to the socket, in all and for each caller or address.
//! A caller whose answers pile up gets no further requests executed; an answer that no longer fits is dropped and refused. The
//! last part of the room is for small answers, so that a few callers who take nothing do not keep the others' out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};

use super::byte_budget::{ByteBudget, ByteReservation};
use super::caller_key::CallerKey;
use crate::compute::{Hold, Room};
use crate::graphql::AnswerBody;

/// One caller's part of the room.
const CALLER_PART: usize = 4;
/// The part of the room that is for small answers alone.
const SPARE_PART: usize = 8;
/// The longest answer that counts as small.
const SMALL: usize = 64 << 10;

#[derive(Clone)]
pub(in crate::http) struct ResponseMemory {
    budget: Arc<ByteBudget>,
    spare: usize,
    /// The room that a caller needs for another answer.
    headroom: usize,
}

impl ResponseMemory {
    /// `limit` bytes in all.
    pub(in crate::http) fn new(limit: usize) -> Self {
        let caller_limit = limit / CALLER_PART;
        let budget = ByteBudget::new(limit, caller_limit);
        Self { budget, spare: limit / SPARE_PART, headroom: caller_limit / CALLER_PART }
    }

    /// Whether the caller may be given another answer of any length, as far as its own part goes.
    pub(in crate::http) fn has_room(&self, key: &CallerKey) -> bool {
        self.budget.has_room(key, self.headroom, SMALL.min(self.headroom))
    }

    /// The room of this caller.
    pub(in crate::http) fn room_of(&self, key: &CallerKey) -> CallerRoom {
        CallerRoom { memory: self.clone(), key: key.clone() }
    }

    /// Holds the bytes of a stream's event.
    pub(super) fn reserve_event(&self, key: &CallerKey, bytes: usize) -> Option<EventMemory> {
        self.reserve(key, bytes).map(EventMemory)
    }

    /// The bytes, each of which holds their memory, unless there is no room for them.
    pub(super) fn hold(&self, key: &CallerKey, bytes: Bytes) -> Option<Bytes> {
        let memory = self.reserve(key, bytes.len())?;
        Some(hold(bytes, memory))
    }

    /// Holds an answer's bytes, unless there is no room for them.
    pub(super) fn reserve(&self, key: &CallerKey, bytes: usize) -> Option<ByteReservation> {
        let mut reservation = self.budget.open(key);
        let spare = if bytes > SMALL { self.spare } else { 0 };
        reservation.grow(bytes, spare).then_some(reservation)
    }
}

/// The room of one caller for answers.
pub(in crate::http) struct CallerRoom {
    memory: ResponseMemory,
    key: CallerKey,
}

impl Room for CallerRoom {
    fn is_left(&self) -> bool {
        self.memory.has_room(&self.key)
    }

    fn reserve(&self, bytes: usize) -> Option<Hold> {
        self.memory.reserve(&self.key, bytes).map(|reservation| Arc::new(reservation) as Hold)
    }
}

/// The memory of a stream's event.
pub(in crate::http) struct EventMemory(ByteReservation);

impl EventMemory {
    /// The bytes, each of which holds the memory.
    pub(in crate::http) fn hold(self, bytes: Bytes) -> Bytes {
        hold(bytes, self.0)
    }
}

/// The bytes, each of which holds this.
fn hold<H: Send + 'static>(bytes: impl AsRef<[u8]> + Send + 'static, held: H) -> Bytes {
    Bytes::from_owner(HeldBytes { bytes, _held: held })
}

struct HeldBytes<B, H> {
    bytes: B,
    _held: H,
}

impl<B: AsRef<[u8]>, H> AsRef<[u8]> for HeldBytes<B, H> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

/// An answer's body, which holds, as each of its bytes does, the memory that is counted for it, and its request's permit. An answer
/// that begins with the bytes of an earlier one is sent in two pieces, without a copy.
pub(super) struct HeldBody {
    /// The pieces that are left.
    pieces: [Bytes; 2],
    /// Bytes that hold both.
    _held: Bytes,
}

impl HeldBody {
    pub(super) fn of(answer: AnswerBody, memory: ByteReservation, permit: Hold) -> Body {
        let room = answer.room().clone();
        let (shared, written) = answer.into_pieces();
        let written = hold(written, (memory, room, permit));
        let shared = if shared.is_empty() { shared } else { hold(shared, written.clone()) };
        Body::new(Self { _held: written.clone(), pieces: [shared, written] })
    }
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let next = self.pieces.iter_mut().find(|piece| !piece.is_empty()).map(std::mem::take);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum())
    }
}
