//! Health: alive as long as it answers; ready until it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;

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
    pub(super) fn is_draining(&self) -> bool {
        !self.ready.load(Ordering::Acquire)
    }

    /// From now on, no more requests, please.
    pub fn drain(&self) {
        self.ready.store(false, Ordering::Release);
    }
}

pub(super) async fn live() -> &'static str {
    "live\n"
}

pub(super) async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, &'static str) {
    if health.is_draining() { (StatusCode::SERVICE_UNAVAILABLE, "draining\n") } else { (StatusCode::OK, "ready\n") }
}
