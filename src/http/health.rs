//! Health: alive as long as it answers; ready until it is told to stop. And how many requests are under way, which is what a
//! stop waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::watch;

/// Whether the service wants new requests. The upstream has no say in it: when it is down, stale answers are served.
#[derive(Debug)]
pub struct Health {
    ready: AtomicBool,
    requests: AtomicUsize,
    /// Whether streams are to end.
    closing: watch::Sender<bool>,
    /// How many streams are open.
    streams: watch::Sender<usize>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            ready: AtomicBool::new(true),
            requests: AtomicUsize::new(0),
            closing: watch::channel(false).0,
            streams: watch::channel(0).0,
        }
    }
}

/// A stream that is open until this is dropped.
#[derive(Debug)]
pub(super) struct OpenStream(Arc<Health>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.send_modify(|streams| *streams -= 1);
    }
}

impl Health {
    pub(super) fn is_draining(&self) -> bool {
        !self.ready.load(Ordering::Acquire)
    }

    /// Marks the service as draining: it is not ready, and responses ask clients to connect elsewhere.
    pub fn drain(&self) {
        self.ready.store(false, Ordering::Release);
    }

    /// How many requests have come and are not wholly answered.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Acquire)
    }

    pub(super) fn begin_request(&self) {
        self.requests.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn end_request(&self) {
        self.requests.fetch_sub(1, Ordering::AcqRel);
    }

    /// Ends all streams, and those that begin later at once.
    pub fn close_streams(&self) {
        self.closing.send_replace(true);
    }

    /// Completes when no stream is open any more.
    pub async fn streams_ended(&self) {
        // The sender is here.
        let _ = self.streams.subscribe().wait_for(|streams| *streams == 0).await;
    }

    /// Completes when streams are to end.
    pub(super) async fn closing(&self) {
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    pub(super) fn open_stream(self: &Arc<Self>) -> OpenStream {
        self.streams.send_modify(|streams| *streams += 1);
        OpenStream(self.clone())
    }
}

pub(super) async fn live() -> &'static str {
    "live\n"
}

pub(super) async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, &'static str) {
    if health.is_draining() { (StatusCode::SERVICE_UNAVAILABLE, "draining\n") } else { (StatusCode::OK, "ready\n") }
}
