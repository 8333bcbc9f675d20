//! Pending responses: the answers of one connection that its client has yet to take, how long it may leave them lying, and how
//! many bytes of them may wait before the connection's next requests do.
//!
//! A guard begins with the request, and ends when the last byte of the answer has gone to the socket, which is when it is
//! dropped. Whether it is the socket or an HTTP/2 window that the client keeps shut makes no difference. Streams that come on
//! an HTTP/2 connection meanwhile are not executed before the client has taken what waits, or the connection is closed.
//!
//! A stream is another matter: each of its frames is an answer of its own, which its client has to take, and while it is open its
//! connection is not at rest. So is a connection that became a WebSocket.
//!
//! While the service is draining, an answer over HTTP/1.1 asks its client to come back on another connection: one that stays
//! open would be closed under its next request.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, UPGRADE};
use axum::http::{HeaderValue, Method, Response, Version};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service;

use super::client_ip::ProxiedAddress;
use crate::auth::ClientCertificate;
use crate::http::Health;
use crate::model::Clock;

/// One connection's requests, and since when it has been at rest.
pub(in crate::http) struct PendingResponses {
    timeout: Duration,
    idle_timeout: Duration,
    health: Arc<Health>,
    state: Mutex<ResponseState>,
    /// How many bytes of answers wait to be taken.
    waiting: AtomicUsize,
    /// Told when some of them were.
    taken: Notify,
    /// How long a frame of a stream may take.
    frame_timeout: Duration,
    /// How many streams are open.
    streams: AtomicUsize,
    /// Whether the connection is closed because its client takes nothing.
    overdue: AtomicBool,
}

/// Why the subscriptions of a connection end: because its client is gone, where nothing else is said.
pub(in crate::http) type EndReason = Arc<OnceLock<&'static str>>;

/// Marks a response whose body is a stream, and says where the reason is told why it ends.
#[derive(Clone)]
pub(in crate::http) struct Streamed(pub(in crate::http) EndReason);

/// Given to a request that may turn its connection into a WebSocket.
#[derive(Clone)]
pub(in crate::http) struct ConnectionStreams(Arc<PendingResponses>);

impl ConnectionStreams {
    /// The connection is not at rest until this is dropped.
    pub(in crate::http) fn open(&self) -> ConnectionStream {
        ConnectionStream::new(self.0.clone(), EndReason::default())
    }
}

/// A stream that is open on a connection.
pub(in crate::http) struct ConnectionStream {
    pending: Arc<PendingResponses>,
    ends: EndReason,
}

impl ConnectionStream {
    fn new(pending: Arc<PendingResponses>, ends: EndReason) -> Self {
        pending.streams.fetch_add(1, Ordering::AcqRel);
        Self { pending, ends }
    }

    /// Whether the connection is closed because its client takes nothing.
    pub(in crate::http) fn is_overdue(&self) -> bool {
        self.pending.overdue.load(Ordering::Acquire)
    }
}

impl Drop for ConnectionStream {
    fn drop(&mut self) {
        if self.is_overdue() {
            let _ = self.ends.set("slow");
        }
        self.pending.streams.fetch_sub(1, Ordering::AcqRel);
        let mut state = self.pending.state.lock();
        state.at_rest = Clock::instant();
    }
}

/// So many bytes of answers may wait on a connection before its next streams do.
const WAITING_LIMIT: usize = 1 << 20;

struct ResponseState {
    /// By when each has to be delivered, from the oldest to the newest; those that are delivered are gone.
    open: VecDeque<(Instant, Weak<ResponseGuard>)>,
    at_rest: Instant,
}

/// A response that is being sent; it has been sent when the last reference is dropped.
struct ResponseGuard {
    pending: Arc<PendingResponses>,
    /// The bytes of its body, once they are known.
    bytes: AtomicUsize,
}

impl ResponseGuard {
    /// The answer is there, and waits to be taken.
    fn answered(&self, bytes: u64) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX / 2);
        self.bytes.store(bytes, Ordering::Relaxed);
        self.pending.waiting.fetch_add(bytes, Ordering::AcqRel);
    }
}

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        self.pending.health.end_request();
        let bytes = *self.bytes.get_mut();
        if bytes > 0 {
            self.pending.waiting.fetch_sub(bytes, Ordering::AcqRel);
            self.pending.taken.notify_waiters();
        }
    }
}

impl PendingResponses {
    pub(in crate::http) fn new(
        timeout: Duration,
        frame_timeout: Duration,
        idle_timeout: Duration,
        health: Arc<Health>,
    ) -> Arc<Self> {
        let state = Mutex::new(ResponseState { open: VecDeque::new(), at_rest: Clock::instant() });
        let (waiting, taken, streams) = (AtomicUsize::new(0), Notify::new(), AtomicUsize::new(0));
        let overdue = AtomicBool::new(false);
        Arc::new(Self { timeout, idle_timeout, health, state, waiting, taken, frame_timeout, streams, overdue })
    }

    fn begin(self: &Arc<Self>, timeout: Duration) -> Arc<ResponseGuard> {
        self.health.begin_request();
        let guard = Arc::new(ResponseGuard { pending: self.clone(), bytes: AtomicUsize::new(0) });
        let mut state = self.state.lock();
        state.open.push_back((Clock::instant() + timeout, Arc::downgrade(&guard)));
        guard
    }

    /// Waits until the client has taken enough of its answers. The wait ends at the latest with the connection, whose oldest
    /// answer is overdue at some time.
    async fn taken(&self) {
        loop {
            let taken = self.taken.notified();
            if self.waiting.load(Ordering::Acquire) < WAITING_LIMIT {
                return;
            }
            taken.await;
        }
    }

    /// When the connection is to be closed, unless something happens before.
    fn deadline(&self) -> Instant {
        let mut state = self.state.lock();
        while state.open.front().is_some_and(|(_, guard)| guard.strong_count() == 0) {
            state.open.pop_front();
            state.at_rest = Clock::instant();
        }
        let streams = self.streams.load(Ordering::Acquire) > 0;
        let at_rest = if streams { Clock::instant() } else { state.at_rest };
        state.open.front().map_or(at_rest + self.idle_timeout, |(deadline, _)| *deadline)
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

    /// To be polled whenever the connection has to wait; `stalled` is since when its client has taken nothing that waits.
    pub(in crate::http) fn poll(&mut self, stalled: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut deadline = self.pending.deadline();
            // Of a stream's frames the library may hold the last in a buffer of its own.
            if let Some(stalled) = stalled.filter(|_| self.pending.streams.load(Ordering::Acquire) > 0) {
                deadline = deadline.min(stalled + self.pending.frame_timeout);
            }
            if deadline <= Clock::instant() {
                self.pending.overdue.store(true, Ordering::Release);
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
    /// The client's address, where a proxy gave it in front of the connection.
    client: Option<ProxiedAddress>,
    /// What the client has shown in the TLS handshake.
    certificate: Option<Arc<ClientCertificate>>,
}

impl<S> TrackResponses<S> {
    pub(in crate::http) fn new(service: S, pending: Arc<PendingResponses>, client: Option<ProxiedAddress>) -> Self {
        Self { service, pending, client, certificate: None }
    }

    pub(in crate::http) fn with_certificate(self, certificate: Option<Arc<ClientCertificate>>) -> Self {
        Self { certificate, ..self }
    }
}

impl<S, B> Service<Request<B>> for TrackResponses<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let guard = self.pending.begin(self.pending.timeout);
        if let Some(client) = self.client {
            request.extensions_mut().insert(client);
        }
        if let Some(certificate) = &self.certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        if request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE) {
            request.extensions_mut().insert(ConnectionStreams(self.pending.clone()));
        }
        let one_by_one = request.version() != Version::HTTP_2;
        // The service that is ready is the one to be called; its copy is for the next request.
        let next = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, next);
        async move {
            let pending = guard.pending.clone();
            if !one_by_one {
                pending.taken().await;
            }
            let mut response = service.call(request).await?;
            if one_by_one && pending.health.is_draining() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            if let Some(Streamed(ends)) = response.extensions_mut().remove() {
                let stream = ConnectionStream::new(pending, ends);
                return Ok(response.map(|body| TrackedBody { held: Held::Frames(stream), body }));
            }
            guard.answered(response.body().size_hint().lower());
            Ok(response.map(|body| TrackedBody { held: Held::Response(guard), body }))
        }
        .boxed()
    }
}

/// An answer's body, each of whose bytes holds a guard.
pub struct TrackedBody {
    /// Dropped before the body, which says then why it ends.
    held: Held,
    body: Body,
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
            Self::Frames(stream) => {
                let guard = stream.pending.begin(stream.pending.frame_timeout);
                guard.answered(bytes as u64);
                guard
            }
        }
    }
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        Pin::new(&mut this.body).poll_frame(cx).map_ok(|frame| {
            frame.map_data(|bytes| {
                let guard = this.held.guard(bytes.len());
                Bytes::from_owner(TrackedChunk { bytes, _delivery: guard })
            })
        })
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
