//! The page and its parts, from the binary. No request leaves the machine, and nothing but these parts is loaded or run.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Response};

use super::StatusState;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(in crate::http) async fn page() -> Response<Body> {
    respond("text/html; charset=utf-8", include_str!("status.html").into())
}

pub(in crate::http) async fn script() -> Response<Body> {
    respond("text/javascript; charset=utf-8", include_str!("status.js").into())
}

pub(in crate::http) async fn style() -> Response<Body> {
    respond("text/css; charset=utf-8", include_str!("status.css").into())
}

/// The same as JSON.
pub(in crate::http) async fn status(State(state): State<StatusState>) -> Response<Body> {
    respond("application/json", state.report().to_string().into())
}

fn respond(media_type: &'static str, content: Body) -> Response<Body> {
    let mut response = Response::new(content);
    let mut set =
        |name: HeaderName, value: &'static str| response.headers_mut().insert(name, HeaderValue::from_static(value));
    set(CONTENT_TYPE, media_type);
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(REFERRER_POLICY, "no-referrer");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(CACHE_CONTROL, "no-store");
    response
}
