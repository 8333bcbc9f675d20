//! What is left of a request's body when its answer is ready (RFC 9112, 9.3 and 9.6).
//!
//! Over HTTP/1.1 the next request follows the body, so an unread rest must be read, or the connection closed, and then the
//! answer must say so: a client that finds it closed under its next request has lost that request. A small rest is read. With a
//! large one the connection ends, after some more of it was read: closing a socket with unread bytes in it can take the answer
//! away from the client.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, Response, Version};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, timeout_at};

/// So much of a body is read to keep its connection, in bytes, and for so long.
const SMALL: u64 = 64 << 10;
const SOON: Duration = Duration::from_secs(1);
/// So much is read before a connection is closed, and for so long.
const LARGE: u64 = 16 << 20;
const LATE: Duration = Duration::from_secs(5);

/// Waits for what a service leaves of a body.
pub(super) struct Rest {
    /// Where the body comes back to when it is dropped before its end.
    unread: Arc<Mutex<Option<Body>>>,
    /// Whether the client waits to be asked for the body.
    expects: bool,
}

/// The request, with a body that comes back when it is not read to its end; nothing to wait for where there is no body, or
/// other requests do not follow it on the connection.
pub(super) fn watch(request: Request) -> (Request, Option<Rest>) {
    if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
        return (request, None);
    }
    let rest = Rest { unread: Arc::default(), expects: request.headers().contains_key(EXPECT) };
    let unread = rest.unread.clone();
    (request.map(|body| Body::new(Returning { body: Some(body), unread })), Some(rest))
}

impl Rest {
    /// Reads what is left, or marks the answer as the connection's last.
    pub(super) async fn settle(self, response: &mut Response<Body>) {
        let unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut body) = unread else { return };
        // A client that waits to be asked may never send it, and must not be asked any more.
        if !self.expects {
            if body.size_hint().lower() <= SMALL && skip(&mut body, SMALL, SOON).await {
                return;
            }
            // It ends with its connection, at the latest.
            tokio::spawn(async move { skip(&mut body, LARGE, LATE).await });
        }
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Reads a body that is of no use any more; whether it came to its end within these bounds.
async fn skip(body: &mut Body, most: u64, longest: Duration) -> bool {
    let deadline = Instant::now() + longest;
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

/// A body that comes back when it is dropped before its end.
struct Returning {
    /// Until its end, or a failure.
    body: Option<Body>,
    unread: Arc<Mutex<Option<Body>>>,
}

impl HttpBody for Returning {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.unread.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}
