//! The page and its parts, from the binary. No request leaves the machine, and nothing but these parts is loaded or run.

use axum::body::Body;
use axum::extract::State;
use axum::http::Response;

use super::StatusState;
use crate::http::response::page_part::page_part;

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
    page_part(media_type, POLICY, "no-store", content)
}
