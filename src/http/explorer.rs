//! The explorer: a GraphQL playground in the browser, from files that were built into the binary. No request leaves the
//! machine; the page may load, connect to and run nothing but what is served here.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};

use super::app_state::AppState;
use super::response::error::not_found;
use super::response::page_part::page_part;

/// Name, media type and content of each built-in file; empty where the bundle was not built.
static FILES: &[(&str, &str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/explorer_files.rs"));

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self'; \
                      connect-src 'self'; img-src 'self' data:; font-src 'self' data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Where the page is told what it shows besides what every service has.
const ROOT: &str = r#"<div id="explorer">"#;
const ROOT_WITH_TOKENS: &str = r#"<div id="explorer" data-tokens>"#;

/// Serves the page.
pub(super) async fn page(State(public): State<Arc<AppState>>) -> Response<Body> {
    let html =
        if FILES.is_empty() { include_str!("explorer/not_built.html") } else { include_str!("explorer/page.html") };
    let html = if public.shows_tokens { html.replace(ROOT, ROOT_WITH_TOKENS) } else { html.to_owned() };
    respond("text/html; charset=utf-8", html)
}

/// Serves one of the built-in files.
pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response<Body> {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, media_type, content)) => respond(media_type, *content),
        None => not_found(&headers),
    }
}

fn respond(media_type: &'static str, content: impl Into<Body>) -> Response<Body> {
    // The files change with the binary, and have no version in their names.
    page_part(media_type, POLICY, "no-cache", content)
}
