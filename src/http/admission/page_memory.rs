//! Page memory: figures that were written for one request of the admin port, and that their clients have yet to take.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::busy::busy;
use super::caller_key::CallerKey;
use super::response_memory::ResponseMemory;
use crate::http::request_origin::RequestOrigin;

/// In all, in bytes: figures of a thousand requests, a quarter of them one address's.
const LIMIT: usize = 16 << 20;

/// The memory of one listener.
pub(in crate::http) fn page_memory() -> ResponseMemory {
    ResponseMemory::new(LIMIT)
}

/// Answers a request with figures, whose bytes are counted until the last of them has left. Where there is no room, they are not
/// written.
pub(in crate::http) async fn count(State(memory): State<ResponseMemory>, request: Request, next: Next) -> Response {
    let key = CallerKey::of_address(RequestOrigin::of(request.extensions()).and_then(|origin| origin.address));
    let headers = request.headers().clone();
    let refused = || busy("too many answers wait to be taken").early_answer(&headers);
    if !memory.has_room(&key) {
        return refused();
    }
    let (parts, body) = next.run(request).await.into_parts();
    // It is there already, in one piece.
    let Ok(bytes) = to_bytes(body, LIMIT).await else { return refused() };
    match memory.hold(&key, bytes) {
        Some(bytes) => Response::from_parts(parts, Body::from(bytes)),
        None => refused(),
    }
}
