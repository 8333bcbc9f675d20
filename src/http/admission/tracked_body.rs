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
pub(in crate::http) struct TrackedBody {
    /// Dropped before the body, which says then why it ends.
    held: GuardScope,
    body: Body,
    /// A polled frame that is no data: trailers, an error, or the end, after which the body is not polled again.
    ahead: Option<Option<Result<Frame<Bytes>, axum::Error>>>,
}

/// The scope of a guard.
enum GuardScope {
    /// The answer as a whole.
    Response(Arc<ResponseGuard>),
    /// Each frame for itself.
    Frames(ConnectionStream),
}

impl GuardScope {
    fn guard(&self, bytes: usize) -> Arc<ResponseGuard> {
        match self {
            Self::Response(guard) => guard.clone(),
            Self::Frames(stream) => stream.frame(bytes),
        }
    }
}

impl TrackedBody {
    pub(super) fn of_response(guard: Arc<ResponseGuard>, body: Body) -> Self {
        Self { held: GuardScope::Response(guard), body, ahead: None }
    }

    pub(super) fn of_stream(stream: ConnectionStream, body: Body) -> Self {
        Self { held: GuardScope::Frames(stream), body, ahead: None }
    }

    /// The data that is there already behind some of an answer: the library writes each frame of a long answer for itself, which
    /// costs as much for a few bytes as for many.
    fn look_ahead(&mut self, context: &mut Context<'_>) -> Bytes {
        if matches!(self.held, GuardScope::Frames(_)) || self.body.is_end_stream() {
            return Bytes::new();
        }
        let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(context) else { return Bytes::new() };
        let other = match next {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return data,
                Err(other) => Some(Ok(other)),
            },
            other => other,
        };
        self.ahead = Some(other);
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
            Some(ahead) => ahead,
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
        self.ahead.as_ref().map_or_else(|| self.body.is_end_stream(), Option::is_none)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes on their way.
pub(in crate::http) struct TrackedData {
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use axum::http::HeaderMap;
    use http_body::Body as _;
    use http_body_util::{BodyExt, StreamBody};

    use super::super::response_deadline::PendingResponses;
    use super::*;
    use crate::http::Health;

    fn tracked(frames: Vec<Frame<Bytes>>) -> TrackedBody {
        let long = Duration::from_secs(60);
        let guard = PendingResponses::new(long, long, long, Arc::<Health>::default()).begin(long);
        let frames = frames.into_iter().map(Ok::<_, Infallible>);
        TrackedBody::of_response(guard, Body::new(StreamBody::new(futures_util::stream::iter(frames))))
    }

    async fn next(body: &mut TrackedBody) -> Option<Frame<TrackedData>> {
        body.frame().await.map(|frame| frame.unwrap_or_else(|error| panic!("{error}")))
    }

    #[tokio::test]
    async fn pieces_that_are_there_come_as_one_frame_and_nothing_is_lost() {
        let data = |text: &'static str| Frame::data(Bytes::from_static(text.as_bytes()));
        let mut trailers = HeaderMap::new();
        trailers.insert("x", "y".parse().unwrap());
        let mut body = tracked(vec![data("one"), data("two"), data("three"), Frame::trailers(trailers)]);
        let mut first = next(&mut body).await.unwrap().into_data().ok().unwrap();
        let mut slices = [IoSlice::new(&[]); 4];
        assert_eq!((first.chunks_vectored(&mut slices), &*slices[0], &*slices[1]), (2, &b"one"[..], &b"two"[..]));
        first.advance(4);
        assert_eq!(first.copy_to_bytes(first.remaining()), "wo");
        let mut second = next(&mut body).await.unwrap().into_data().ok().unwrap();
        assert_eq!(second.copy_to_bytes(second.remaining()), "three");
        assert!(!body.is_end_stream());
        assert_eq!(next(&mut body).await.unwrap().into_trailers().ok().unwrap()["x"], "y");
        assert!(next(&mut body).await.is_none());
    }

    #[tokio::test]
    async fn a_body_that_has_ended_is_not_asked_again() {
        let long = Duration::from_secs(60);
        let guard = PendingResponses::new(long, long, long, Arc::<Health>::default()).begin(long);
        // Such a stream panics when it is polled after its end.
        let once = |is_first: bool| async move { is_first.then_some((Ok::<_, Infallible>("one"), false)) };
        let stream = futures_util::stream::unfold(true, once);
        let mut body = TrackedBody::of_response(guard, Body::from_stream(stream));
        assert!(next(&mut body).await.unwrap().is_data());
        assert!(body.is_end_stream());
        assert!(next(&mut body).await.is_none());
    }
}
