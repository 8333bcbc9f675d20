//! Scripted responses: what a test makes the sample upstream answer, byte for byte.

use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;

/// A response that a test prescribes, byte for byte.
#[derive(Clone, Debug)]
pub struct Scripted {
    /// The status.
    pub status: StatusCode,
    /// Headers besides the length.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Scripted {
    /// This body, as JSON, with 200.
    pub fn ok(body: impl Into<Bytes>) -> Self {
        Self::status(StatusCode::OK, body)
    }

    /// This body, as JSON, with any status.
    pub fn status(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self { status, headers: HeaderMap::new(), body: body.into() }
    }
}
