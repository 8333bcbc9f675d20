//! Pending responses: the answers of one connection that its client has yet to take, how long it may leave them lying, and how
//! many bytes of them may wait before the connection's next requests do.
//!
//! A guard begins with the request, and ends when the last byte of the answer has gone to the socket, which is when it is
//! dropped. Whether it is the socket or an HTTP/2 window that the client keeps shut makes no difference. Streams that come on
//! an HTTP/2 connection meanwhile are not executed before the client has taken what waits, or the connection is closed.
//!
//! A stream is another matter: each of its frames is an answer of its own, which its client has to take, and while it is open its
//! connection is not at rest. So is a connection that became a WebSocket.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::http::Health;
use crate::model::Clock;

/// One connection's requests, and since when it has been at rest.
pub(in crate::http) struct PendingResponses {
    pub(super) timeout: Duration,
    idle_timeout: Duration,
    pub(super) health: Arc<Health>,
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
pub(in crate::http) struct ConnectionStreams(pub(super) Arc<PendingResponses>);

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
    pub(super) fn new(pending: Arc<PendingResponses>, ends: EndReason) -> Self {
        pending.streams.fetch_add(1, Ordering::AcqRel);
        Self { pending, ends }
    }

    /// One of its frames that is sent.
    pub(super) fn frame(&self, bytes: usize) -> Arc<ResponseGuard> {
        let guard = self.pending.begin(self.pending.frame_timeout);
        guard.answered(bytes as u64);
        guard
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
    /// How long the first request may take to come, until it has.
    first_request_timeout: Option<Duration>,
    /// By when each has to be delivered, from the oldest to the newest; those that are delivered are gone.
    open: VecDeque<(Instant, Weak<ResponseGuard>)>,
    at_rest: Instant,
}

/// A response that is being sent; it has been sent when the last reference is dropped.
pub(super) struct ResponseGuard {
    pub(super) pending: Arc<PendingResponses>,
    /// The bytes of its body, once they are known.
    bytes: AtomicUsize,
}

impl ResponseGuard {
    /// The answer is there, and waits to be taken.
    pub(super) fn answered(&self, bytes: u64) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX / 2);
        self.bytes.store(bytes, Ordering::Relaxed);
        self.pending.waiting.fetch_add(bytes, Ordering::AcqRel);
    }
}

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        self.pending.health.end_request();
        self.pending.state.lock().at_rest = Clock::instant();
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
        let state =
            Mutex::new(ResponseState { first_request_timeout: None, open: VecDeque::new(), at_rest: Clock::instant() });
        let (waiting, taken, streams) = (AtomicUsize::new(0), Notify::new(), AtomicUsize::new(0));
        let overdue = AtomicBool::new(false);
        Arc::new(Self { timeout, idle_timeout, health, state, waiting, taken, frame_timeout, streams, overdue })
    }

    pub(super) fn begin(self: &Arc<Self>, timeout: Duration) -> Arc<ResponseGuard> {
        self.health.begin_request();
        let guard = Arc::new(ResponseGuard { pending: self.clone(), bytes: AtomicUsize::new(0) });
        let mut state = self.state.lock();
        state.first_request_timeout = None;
        state.open.push_back((Clock::instant() + timeout, Arc::downgrade(&guard)));
        guard
    }

    /// From now on the first request is waited for, for so long.
    pub(super) fn await_first(&self, longest: Duration) {
        let mut state = self.state.lock();
        (state.first_request_timeout, state.at_rest) = (Some(longest), Clock::instant());
    }

    /// Waits until the client has taken enough of its answers. The wait ends at the latest with the connection, whose oldest
    /// answer is overdue at some time.
    pub(super) async fn taken(&self) {
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
        }
        let streams = self.streams.load(Ordering::Acquire) > 0;
        let at_rest = if streams { Clock::instant() } else { state.at_rest };
        let idle = state.first_request_timeout.map_or(self.idle_timeout, |first| first.min(self.idle_timeout));
        state.open.front().map_or(at_rest + idle, |(deadline, _)| *deadline)
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
            let now = Clock::instant();
            if deadline <= now {
                self.pending.overdue.store(true, Ordering::Release);
                return Poll::Ready(());
            }
            // A timer that is early only looks again. A request that is answered before its deadline ends without another look, and
            // the connection is at rest from then on.
            let look = deadline.min(now + self.pending.idle_timeout);
            if look < self.timer.deadline() {
                self.timer.as_mut().reset(look);
            }
            match self.timer.as_mut().poll(cx) {
                Poll::Ready(()) => self.timer.as_mut().reset(look),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_closed_so_long_after_its_last_answer_and_no_later() {
        let (long, idle) = (Duration::from_secs(60), Duration::from_secs(3));
        for answered_after in [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(10)] {
            let pending = PendingResponses::new(long, long, idle, Arc::default());
            pending.await_first(Duration::from_secs(2));
            let mut watch = ConnectionDeadline::new(pending.clone());
            let answer = pending.begin(long);
            // The library looks while the request is under way, and not when it is answered.
            let closed = async {
                poll_fn(|context| watch.poll(None, context)).await;
                Clock::instant()
            };
            let answered = async move {
                sleep(answered_after).await;
                drop(answer);
                Clock::instant()
            };
            let (closed, answered) = tokio::join!(closed, answered);
            let (rested, tick) = (closed - answered, Duration::from_millis(2));
            assert!(rested >= idle && rested <= idle + tick, "{rested:?} after {answered_after:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_is_closed_earlier() {
        let (long, first) = (Duration::from_secs(60), Duration::from_secs(2));
        let pending = PendingResponses::new(long, long, Duration::from_secs(3), Arc::default());
        let mut watch = ConnectionDeadline::new(pending.clone());
        let began = Clock::instant();
        pending.await_first(first);
        poll_fn(|context| watch.poll(None, context)).await;
        assert!(Clock::instant() - began <= first + Duration::from_millis(2));
    }
}
