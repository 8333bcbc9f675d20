//! Deliveries: the answers of one connection that its client has yet to take, and how long it may leave them lying.
//!
//! A delivery begins with the request, and ends when the last byte of the answer has gone to the socket, which is when it is
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

use super::Health;

/// One connection's requests, and since when it has been at rest.
pub(super) struct Deliveries {
    timeout: Duration,
    idle_timeout: Duration,
    health: Arc<Health>,
    state: Mutex<State>,
}

struct State {
    /// From the oldest to the newest; those that are delivered are gone.
    open: VecDeque<(Instant, Weak<Delivery>)>,
    at_rest: Instant,
}

/// An answer on its way; delivered when nobody holds it any more.
struct Delivery;

impl Deliveries {
    pub(super) fn new(timeout: Duration, idle_timeout: Duration, health: Arc<Health>) -> Arc<Self> {
        let state = State { open: VecDeque::new(), at_rest: Instant::now() };
        Arc::new(Self { timeout, idle_timeout, health, state: Mutex::new(state) })
    }

    fn begin(&self) -> Arc<Delivery> {
        let delivery = Arc::new(Delivery);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.open.push_back((Instant::now(), Arc::downgrade(&delivery)));
        delivery
    }

    /// When the connection is to be closed, unless something happens before.
    fn deadline(&self) -> Instant {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.open.front().is_some_and(|(_, delivery)| delivery.strong_count() == 0) {
            state.open.pop_front();
            state.at_rest = Instant::now();
        }
        state.open.front().map_or(state.at_rest + self.idle_timeout, |(began, _)| *began + self.timeout)
    }
}

/// Watches one connection: ready when it is to be closed.
pub(super) struct Watch {
    deliveries: Arc<Deliveries>,
    timer: Pin<Box<Sleep>>,
}

impl Watch {
    pub(super) fn new(deliveries: Arc<Deliveries>) -> Self {
        let timer = Box::pin(sleep_until(deliveries.deadline()));
        Self { deliveries, timer }
    }

    /// To be polled whenever the connection has to wait.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let deadline = self.deliveries.deadline();
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

/// A connection's service, whose answers are deliveries.
#[derive(Clone)]
pub struct Delivering<S> {
    service: S,
    deliveries: Arc<Deliveries>,
}

impl<S> Delivering<S> {
    pub(super) fn new(service: S, deliveries: Arc<Deliveries>) -> Self {
        Self { service, deliveries }
    }
}

impl<S, B> Service<Request<B>> for Delivering<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Parcel>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let delivery = self.deliveries.begin();
        let (one_by_one, health) = (request.version() == Version::HTTP_11, self.deliveries.health.clone());
        let response = self.service.call(request);
        async move {
            let mut response = response.await?;
            if one_by_one && health.is_draining() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(|body| Parcel { body, delivery }))
        }
        .boxed()
    }
}

/// An answer's body, each of whose bytes holds the delivery.
pub struct Parcel {
    body: Body,
    delivery: Arc<Delivery>,
}

impl HttpBody for Parcel {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let delivery = self.delivery.clone();
        Pin::new(&mut self.body)
            .poll_frame(cx)
            .map_ok(|frame| frame.map_data(|bytes| Bytes::from_owner(Piece { bytes, _delivery: delivery })))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes on their way.
struct Piece {
    bytes: Bytes,
    _delivery: Arc<Delivery>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
