//! An answer's bytes: those of an earlier answer, shared and not copied, and those that were written for this one.

use bytes::Bytes;

use crate::compute::ReservedRoom;

/// Up to this length, in bytes, copying is cheaper than sending two pieces.
const COPIED: usize = 2 << 10;

/// The bytes of an answer.
#[derive(Clone, Debug, Default)]
pub struct AnswerBody {
    /// The first of them, shared with other answers; often none.
    shared: Bytes,
    written: Vec<u8>,
    /// The room that was taken for some of them where they were written.
    room: ReservedRoom,
}

impl AnswerBody {
    /// An answer that begins with the bytes of an earlier one, and has room for so many more.
    pub(super) fn sharing(first: &Bytes, room: usize) -> Self {
        if first.len() > COPIED {
            return Self { shared: first.clone(), ..Vec::with_capacity(room).into() };
        }
        let mut written = Vec::with_capacity(first.len() + room);
        written.extend_from_slice(first);
        written.into()
    }

    /// Its length in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no answer is empty")]
    pub fn len(&self) -> usize {
        self.shared.len() + self.written.len()
    }

    /// The bytes, in one or two pieces.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        [&*self.shared, &*self.written].into_iter().filter(|piece| !piece.is_empty())
    }

    /// The same, without copying: those that are shared, of which there may be none, and those that were written after them.
    #[must_use]
    pub fn into_pieces(self) -> (Bytes, Vec<u8>) {
        (self.shared, self.written)
    }

    /// All of them in one piece.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        if self.shared.is_empty() { self.written } else { [&*self.shared, &*self.written].concat() }
    }

    /// The same bytes, for some of which room was taken.
    pub(super) fn in_room(self, room: ReservedRoom) -> Self {
        Self { room, ..self }
    }

    /// The room that was taken for some of the bytes, and is to be kept as long as these.
    #[must_use]
    pub fn room(&self) -> &ReservedRoom {
        &self.room
    }

    /// Where the rest is written.
    pub(super) fn written(&mut self) -> &mut Vec<u8> {
        &mut self.written
    }
}

impl From<Vec<u8>> for AnswerBody {
    fn from(written: Vec<u8>) -> Self {
        Self { shared: Bytes::new(), written, room: ReservedRoom::default() }
    }
}
