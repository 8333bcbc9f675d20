//! Body memory: what request bodies, and the values read from them, may take until their requests are answered.
//!
//! There are two rooms, each with shares: the first bytes of every body come out of the room for small ones, the rest out of
//! the large one. So bodies that are large, or are never finished, do not keep small ones out, and no caller or address takes
//! more than half, or than it leaves free.

use std::sync::Arc;

use super::busy::busy;
use super::byte_budget::{ByteBudget, ByteReservation};
use super::caller_key::CallerKey;
use crate::http::response::error::HttpError;

/// The first bytes of a body, which a usual request does not exceed.
const SMALL: usize = 16 << 10;
/// The room for small bodies is this part of all.
const SMALL_ROOM: usize = 4;

pub(super) struct BodyMemory {
    small: Arc<ByteBudget>,
    large: Arc<ByteBudget>,
}

impl BodyMemory {
    pub(super) fn new(limit: usize) -> Self {
        let small = limit / SMALL_ROOM;
        let large = limit - small;
        Self { small: ByteBudget::new(small, small.div_ceil(2)), large: ByteBudget::new(large, large.div_ceil(2)) }
    }

    /// Nothing yet, for this caller or address.
    pub(super) fn open(&self, key: &CallerKey) -> BodyReservation {
        BodyReservation { small: self.small.open(key), large: self.large.open(key) }
    }
}

/// The reservation of one request's body.
pub(in crate::http) struct BodyReservation {
    small: ByteReservation,
    large: ByteReservation,
}

impl BodyReservation {
    /// Holds so many bytes more, unless there is no room.
    pub(in crate::http) fn grow(&mut self, bytes: usize) -> Result<(), HttpError> {
        let first = bytes.min(SMALL.saturating_sub(self.small.bytes()));
        let rest = if self.small.grow(first, 0) { bytes - first } else { bytes };
        if self.large.grow(rest, 0) { Ok(()) } else { Err(busy("too many bodies are being read")) }
    }
}
