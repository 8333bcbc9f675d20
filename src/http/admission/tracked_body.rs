//! The tracked body: an answer's bytes, each of which holds a guard until it has gone to the socket.

use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use bytes::Buf;
use bytes::buf::Chain;
use http_body::{Frame, SizeHint};

use super::response_deadline::{ConnectionStream, ResponseGuard};

/// An answer's body, each of whose bytes holds a guard.
pub struct TrackedBody {
    /// Dropped before the body, which says then why it ends.
    held: Held,
    body: Body,
    /// What came of looking ahead and is no data.
    ahead: Option<Result<Frame<Bytes>, axum::Error>>,
}

/// What is watched.
enum Held {
    /// The answer as a whole.
    Response(Arc<ResponseGuard>),
    /// Each frame for itself.
    Frames(ConnectionStream),
}

impl Held {
    fn guard(&self, bytes: usize) -> Arc<ResponseGuard> {
        match self {
            Self::Response(guard) => guard.clone(),
            Self::Frames(stream) => stream.frame(bytes),
        }
    }
}

impl TrackedBody {
    pub(super) fn of_response(guard: Arc<ResponseGuard>, body: Body) -> Self {
        Self { held: Held::Response(guard), body, ahead: None }
    }

    pub(super) fn of_stream(stream: ConnectionStream, body: Body) -> Self {
        Self { held: Held::Frames(stream), body, ahead: None }
    }

    /// The data that is there already behind some of an answer: the library writes each frame of a long answer for itself, which
    /// costs as much for a few bytes as for many.
    fn look_ahead(&mut self, context: &mut Context<'_>) -> Bytes {
        if matches!(self.held, Held::Frames(_)) || self.body.is_end_stream() {
            return Bytes::new();
        }
        let Poll::Ready(Some(next)) = Pin::new(&mut self.body).poll_frame(context) else { return Bytes::new() };
        match next.map(Frame::into_data) {
            Ok(Ok(data)) => return data,
            Ok(Err(other)) => self.ahead = Some(Ok(other)),
            Err(error) => self.ahead = Some(Err(error)),
        }
        Bytes::new()
    }
}

impl HttpBody for TrackedBody {
    type Data = TrackedData;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<TrackedData>, axum::Error>>> {
        let this = &mut *self;
        let next = match this.ahead.take() {
            Some(ahead) => Some(ahead),
            None => ready!(Pin::new(&mut this.body).poll_frame(cx)),
        };
        let Some(frame) = next.transpose()? else { return Poll::Ready(None) };
        let first = match frame.into_data() {
            Ok(first) => first,
            // It has no data, and becomes none.
            Err(other) => return Poll::Ready(other.into_trailers().ok().map(|trailers| Ok(Frame::trailers(trailers)))),
        };
        let second = this.look_ahead(cx);
        let delivery = this.held.guard(first.len() + second.len());
        Poll::Ready(Some(Ok(Frame::data(TrackedData { pieces: first.chain(second), _delivery: delivery }))))
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes on their way.
pub struct TrackedData {
    pieces: Chain<Bytes, Bytes>,
    _delivery: Arc<ResponseGuard>,
}

impl Buf for TrackedData {
    fn remaining(&self) -> usize {
        self.pieces.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.chunk()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.pieces.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.pieces.advance(count);
    }
}
