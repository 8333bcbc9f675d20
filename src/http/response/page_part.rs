//! A part of a page that is served from the binary: the headers that keep a browser from loading or running anything else.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Response};

/// A response with this content; `policy` is the page's Content-Security-Policy, `cache` its Cache-Control.
pub(in crate::http) fn page_part(
    media_type: &'static str,
    policy: &'static str,
    cache: &'static str,
    content: impl Into<Body>,
) -> Response<Body> {
    let mut response = Response::new(content.into());
    let mut set =
        |name: HeaderName, value: &'static str| response.headers_mut().insert(name, HeaderValue::from_static(value));
    set(CONTENT_TYPE, media_type);
    set(CONTENT_SECURITY_POLICY, policy);
    set(REFERRER_POLICY, "no-referrer");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(CACHE_CONTROL, cache);
    response
}
