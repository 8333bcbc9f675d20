//! PendingResponses: the answers of one connection that its client has yet to take, and how long it may leave them lying.
//!
//! A guard begins with the request, and ends when the last byte of the answer has gone to the socket, which is when it is
//! dropped. Whether it is the socket or an HTTP/2 window that the client keeps shut makes no difference.
//!
//! While the service is draining, an answer over HTTP/1.1 asks its client to come back on another connection: one that stays
//! open would be closed under its next request.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Response, Version};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service;

use crate::http::Health;

/// One connection's requests, and since when it has been at rest.
pub(in crate::http) struct PendingResponses {
    timeout: Duration,
    idle_timeout: Duration,
    health: Arc<Health>,
    state: Mutex<ResponseState>,
}

struct ResponseState {
    /// From the oldest to the newest; those that are delivered are gone.
    open: VecDeque<(Instant, Weak<ResponseGuard>)>,
    at_rest: Instant,
}

/// An answer on its way; delivered when nobody holds it any more.
struct ResponseGuard;

impl PendingResponses {
    pub(in crate::http) fn new(timeout: Duration, idle_timeout: Duration, health: Arc<Health>) -> Arc<Self> {
        let state = ResponseState { open: VecDeque::new(), at_rest: Instant::now() };
        Arc::new(Self { timeout, idle_timeout, health, state: Mutex::new(state) })
    }

    fn begin(&self) -> Arc<ResponseGuard> {
        let guard = Arc::new(ResponseGuard);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.open.push_back((Instant::now(), Arc::downgrade(&guard)));
        guard
    }

    /// When the connection is to be closed, unless something happens before.
    fn deadline(&self) -> Instant {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.open.front().is_some_and(|(_, guard)| guard.strong_count() == 0) {
            state.open.pop_front();
            state.at_rest = Instant::now();
        }
        state.open.front().map_or(state.at_rest + self.idle_timeout, |(began, _)| *began + self.timeout)
    }
}

/// Watches one connection: ready when it is to be closed.
pub(in crate::http) struct ConnectionDeadline {
    pending: Arc<PendingResponses>,
    timer: Pin<Box<Sleep>>,
}

impl ConnectionDeadline {
    pub(in crate::http) fn new(pending: Arc<PendingResponses>) -> Self {
        let timer = Box::pin(sleep_until(pending.deadline()));
        Self { pending, timer }
    }

    /// To be polled whenever the connection has to wait.
    pub(in crate::http) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let deadline = self.pending.deadline();
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            // A timer that is early only looks again.
            if deadline < self.timer.deadline() {
                self.timer.as_mut().reset(deadline);
            }
            match self.timer.as_mut().poll(cx) {
                Poll::Ready(()) => self.timer.as_mut().reset(deadline),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// A connection's service, whose answers are pending.
#[derive(Clone)]
pub struct TrackResponses<S> {
    service: S,
    pending: Arc<PendingResponses>,
}

impl<S> TrackResponses<S> {
    pub(in crate::http) fn new(service: S, pending: Arc<PendingResponses>) -> Self {
        Self { service, pending }
    }
}

impl<S, B> Service<Request<B>> for TrackResponses<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let guard = self.pending.begin();
        let (one_by_one, health) = (request.version() == Version::HTTP_11, self.pending.health.clone());
        let response = self.service.call(request);
        async move {
            let mut response = response.await?;
            if one_by_one && health.is_draining() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(|body| TrackedBody { body, guard }))
        }
        .boxed()
    }
}

/// An answer's body, each of whose bytes holds the guard.
pub struct TrackedBody {
    body: Body,
    guard: Arc<ResponseGuard>,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let guard = self.guard.clone();
        Pin::new(&mut self.body)
            .poll_frame(cx)
            .map_ok(|frame| frame.map_data(|bytes| Bytes::from_owner(TrackedChunk { bytes, _delivery: guard })))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes on their way.
struct TrackedChunk {
    bytes: Bytes,
    _delivery: Arc<ResponseGuard>,
}

impl AsRef<[u8]> for TrackedChunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
