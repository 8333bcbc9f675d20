//! The part of a request's head that authenticates a stream, kept for as long as the stream lives.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::auth::ClientCertificate;
use crate::http::request_id::RequestId;

/// The prefix of our own headers.
const OURS: &str = "x-flowmatix-";

/// The head with nothing but what authentication reads, and the request's name.
pub(super) fn kept(head: &Parts) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    if let Some(certificate) = head.extensions.get::<Arc<ClientCertificate>>() {
        parts.extensions.insert(certificate.clone());
    }
    RequestId::of(&head.extensions).put_into(&mut parts.extensions);
    for (name, value) in head.headers.iter().filter(|(name, _)| is_kept(name)) {
        parts.headers.append(name.clone(), value.clone());
    }
    parts
}

fn is_kept(name: &HeaderName) -> bool {
    *name == AUTHORIZATION || name.as_str().starts_with(OURS)
}

/// The head with what the payload of `connection_init` says instead: headers by name, in the payload itself or in its
/// `headers`. What else is in it is somebody else's.
///
/// # Errors
/// A value is no header's.
pub(super) fn with_payload(mut parts: Parts, payload: Option<&str>) -> Result<Parts, &'static str> {
    #[derive(Default, Deserialize)]
    struct Payload {
        #[serde(default)]
        headers: Option<Map<String, Value>>,
        #[serde(flatten)]
        rest: Map<String, Value>,
    }

    let unreadable = "the payload of connection_init must be an object";
    let payload: Option<Payload> = payload.map_or(Ok(None), serde_json::from_str).map_err(|_| unreadable)?;
    let Some(Payload { headers, rest }) = payload else { return Ok(parts) };
    for (name, value) in headers.unwrap_or_default().into_iter().chain(rest) {
        let Ok(name) = HeaderName::try_from(name) else { continue };
        if !is_kept(&name) {
            continue;
        }
        let value = value.as_str().and_then(|text| HeaderValue::from_str(text).ok());
        parts.headers.insert(name, value.ok_or("a header in the payload of connection_init is not a header's value")?);
    }
    Ok(parts)
}
