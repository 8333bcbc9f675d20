//! A response body of two pieces whose lengths are known: a kept answer and its end are sent without a copy.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};

/// The pieces that are left.
struct TwoPieces([Bytes; 2]);

/// A body of these pieces; the second may be empty.
pub(in crate::http) fn body_of(pieces: (Bytes, Bytes)) -> Body {
    let (first, second) = pieces;
    if second.is_empty() { Body::from(first) } else { Body::new(TwoPieces([first, second])) }
}

impl HttpBody for TwoPieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let next = self.0.iter_mut().find(|piece| !piece.is_empty()).map(std::mem::take);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}
