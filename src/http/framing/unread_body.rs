//! Unread bodies: drains the rest of a request's body, or closes the connection, once the response is ready (RFC 9112, 9.3 and
//! 9.6).
//!
//! Over HTTP/1.1 the next request follows the body on the same connection. A small rest is drained and the connection is kept.
//! With a large rest the response says `Connection: close`, because a client that finds the connection closed loses its next
//! request; some more of the rest is drained first, because closing a socket with unread bytes can destroy the response.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, Response, Version};
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::timeout_at;

use crate::model::Clock;

/// The bounds of a drain that keeps the connection: bytes and time.
const SMALL: u64 = 64 << 10;
const SOON: Duration = Duration::from_secs(1);
/// The bounds of a drain before the connection is closed.
const LARGE: u64 = 16 << 20;
const LATE: Duration = Duration::from_secs(5);

/// Receives the rest of a body that a service did not read.
pub struct UnreadBody {
    /// Filled when the body is dropped before its end.
    unread: Arc<Mutex<Option<Body>>>,
    /// Whether the client sent `Expect: 100-continue`.
    expects: bool,
}

/// Tracks the body of a request. `None` where there is no body, or where streams separate the requests of a connection.
pub(in crate::http) fn track<B>(request: axum::http::Request<B>) -> (Request, Option<UnreadBody>)
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
        return (request.map(Body::new), None);
    }
    let rest = UnreadBody { unread: Arc::default(), expects: request.headers().contains_key(EXPECT) };
    let unread = rest.unread.clone();
    (request.map(|body| Body::new(DrainableBody { body: Some(body), unread })), Some(rest))
}

impl UnreadBody {
    /// Drains the rest, or marks the response as the last one of its connection.
    pub(super) async fn drain_or_close(self, response: &mut Response<Body>) {
        let unread = self.unread.lock().take();
        let Some(mut body) = unread else { return };
        // Polling the body would send 100 Continue after the final response.
        if !self.expects {
            if body.size_hint().lower() <= SMALL && drain(&mut body, SMALL, SOON).await {
                return;
            }
            drain_later(body);
        }
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Drains a body after its response.
#[expect(clippy::disallowed_methods, reason = "one task for a connection at most, and it ends with the connection")]
fn drain_later(mut body: Body) {
    tokio::spawn(async move { drain(&mut body, LARGE, LATE).await });
}

/// Drains a body, and says whether it ended within the bounds.
async fn drain(body: &mut Body, most: u64, longest: Duration) -> bool {
    let deadline = Clock::instant() + longest;
    let mut left = most;
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
        match timeout_at(deadline, frame).await {
            Ok(None) => return true,
            Ok(Some(Ok(frame))) => match left.checked_sub(frame.data_ref().map_or(0, |data| data.len() as u64)) {
                Some(less) => left = less,
                None => return false,
            },
            Ok(Some(Err(_))) | Err(_) => return false,
        }
    }
}

/// A body that is handed back when it is dropped before its end.
struct DrainableBody<B>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    /// `None` after its end or a failure.
    body: Option<B>,
    unread: Arc<Mutex<Option<Body>>>,
}

impl<B> HttpBody for DrainableBody<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled.map_err(axum::Error::new)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl<B> Drop for DrainableBody<B>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.unread.lock() = Some(Body::new(body));
        }
    }
}
