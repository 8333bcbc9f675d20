//! Health: alive as long as it answers; ready until it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{Request, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode, Version};
use axum::middleware::Next;
use axum::response::Response;

/// Whether the service wants new requests. The upstream has no say in it: when it is down, stale answers are served.
#[derive(Debug)]
pub struct Health {
    ready: AtomicBool,
}

impl Default for Health {
    fn default() -> Self {
        Self { ready: AtomicBool::new(true) }
    }
}

impl Health {
    fn is_draining(&self) -> bool {
        !self.ready.load(Ordering::Acquire)
    }

    /// From now on, no more requests, please.
    pub fn drain(&self) {
        self.ready.store(false, Ordering::Release);
    }
}

/// While draining, an answer over HTTP/1.1 asks its client to come back on another connection: one that stays open would be
/// closed under its next request.
pub(super) async fn farewell(State(health): State<Arc<Health>>, request: Request, next: Next) -> Response {
    let one_by_one = request.version() == Version::HTTP_11;
    let mut response = next.run(request).await;
    if one_by_one && health.is_draining() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

pub(super) async fn live() -> &'static str {
    "live\n"
}

pub(super) async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, &'static str) {
    if health.is_draining() { (StatusCode::SERVICE_UNAVAILABLE, "draining\n") } else { (StatusCode::OK, "ready\n") }
}
