//! The rest of a long body, which is read beside the runtime's workers; an idle thread reads a part of it ahead, where
//! nothing else is asked of the service.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::task::yield_now;

use super::body::BodyReader;
use super::decode_memory::{DecodeReservation, NoRoom};
use crate::compute::{Assistance, ComputePool, Lane};
use crate::model::{ErrorKind, Fault, Malformed, UpstreamError};
use crate::upstream::decode::ahead::RowsAhead;

/// Shorter pieces are not shared out: to wake another thread takes as long as to read a tenth of that.
const SHARED: usize = 128 << 10;

/// The rest of a body.
pub(super) struct LongBody<S> {
    pub(super) reader: BodyReader,
    pub(super) memory: DecodeReservation,
    pub(super) compute: ComputePool,
    /// How many turns connections have had when the last piece came.
    pub(super) turns: usize,
    pub(super) lane: Lane,
    /// The most rows that are read.
    pub(super) rows_limit: usize,
    pub(super) rest: S,
}

impl<S: Stream<Item = reqwest::Result<Bytes>> + Unpin> LongBody<S> {
    /// Reads it, from this chunk on. Others have their turns between its pieces, and it stops there when it is cancelled.
    pub(super) async fn read(mut self, mut chunk: Bytes) -> Result<BodyReader, UpstreamError> {
        loop {
            while !chunk.is_empty() {
                let piece = chunk.split_to(chunk.len().min(2 * self.reader.piece()));
                self.take(&piece).await?;
            }
            let Some(next) = self.rest.next().await else { return Ok(self.reader) };
            chunk = received(next)?;
            self.memory.grow_to(self.reader.length_with(chunk.len())).await.map_err(no_room)?;
        }
    }

    /// Takes a piece, half of which may be read by another thread.
    async fn take(&mut self, piece: &Bytes) -> Result<(), UpstreamError> {
        let turns = self.compute.turns();
        // Requests that come meanwhile are not to wait for a core.
        let is_alone = std::mem::replace(&mut self.turns, turns) == turns;
        let is_shared = is_alone && piece.len() >= SHARED;
        let Some(at) = self.reader.split(piece).filter(|_| is_shared) else {
            return self.push(piece).await;
        };
        let (back, rows_limit) = (piece.slice(at..), self.rows_limit);
        let part = back.clone();
        let ahead = self.compute.assist(self.lane, move || RowsAhead::read(&part, rows_limit));
        self.push(&piece[..at]).await?;
        let taken = match ahead.and_then(Assistance::join) {
            Some(ahead) => self.reader.take_ahead(ahead)?,
            None => 0,
        };
        self.push(&back[taken..]).await
    }

    async fn push(&mut self, bytes: &[u8]) -> Result<(), UpstreamError> {
        for piece in bytes.chunks(self.reader.piece()) {
            self.reader.push(piece)?;
            yield_now().await;
        }
        Ok(())
    }
}

/// A chunk of a body. Timeouts are the caller's; whatever else ends a body early leaves it cut short.
pub(super) fn received(chunk: reqwest::Result<Bytes>) -> Result<Bytes, UpstreamError> {
    chunk.map_err(|_| Malformed::Truncated.into())
}

pub(super) fn no_room(_: NoRoom) -> UpstreamError {
    UpstreamError::from(ErrorKind::Unavailable).blaming(Fault::Local)
}
