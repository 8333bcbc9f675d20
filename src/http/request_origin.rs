//! The origin of a request: the address that it came from, and the name that it was given. They are one extension of the request,
//! because each takes memory.

use std::net::IpAddr;

use axum::http::{Extensions, HeaderValue};

#[derive(Clone, Default)]
pub(super) struct RequestOrigin {
    /// The connection's, or the one that a trusted proxy gave in front of the connection (the PROXY protocol).
    pub(super) address: Option<IpAddr>,
    /// Its `x-request-id`.
    pub(super) id: Option<HeaderValue>,
}

impl RequestOrigin {
    /// That of a request with these extensions.
    pub(super) fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Names the request with these extensions.
    pub(super) fn name(extensions: &mut Extensions, id: HeaderValue) {
        extensions.get_or_insert_default::<Self>().id = Some(id);
    }
}
