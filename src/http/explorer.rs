//! The explorer: a GraphQL playground in the browser, from files that were built into the binary. No request leaves the
//! machine; the page may load, connect to and run nothing but what is served here.

use std::sync::{Arc, OnceLock};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};

use super::app_state::AppState;
use super::graphql::coding::{self, ContentCoding};
use super::response::accept_encoding::{BROTLI, takes_brotli};
use super::response::error::{HttpError, not_found};
use super::response::page_part::page_part;

// `FILES`: the built-in files, none where the bundle was not built.
include!(concat!(env!("OUT_DIR"), "/explorer_files.rs"));

/// The largest size of a file, in bytes: far more than any has.
const SIZE_LIMIT: usize = 16 << 20;

/// A file of the bundle.
struct BuiltInFile {
    name: &'static str,
    media_type: &'static str,
    /// Its content as brotli.
    stored: &'static [u8],
    /// Its content, from the first request on that does not take brotli: decoding takes milliseconds of a worker, so it is done once.
    plain: OnceLock<Bytes>,
}

impl BuiltInFile {
    /// Called from what the build script writes, which is nothing where the bundle was not built.
    #[allow(dead_code)]
    const fn new(name: &'static str, media_type: &'static str, stored: &'static [u8]) -> Self {
        Self { name, media_type, stored, plain: OnceLock::new() }
    }

    fn plain(&self) -> Result<Bytes, HttpError> {
        if let Some(plain) = self.plain.get() {
            return Ok(plain.clone());
        }
        let plain = coding::decode(Bytes::from_static(self.stored), ContentCoding::Brotli, SIZE_LIMIT)?;
        Ok(self.plain.get_or_init(|| plain).clone())
    }

    /// Its content as it is stored, where the request takes that.
    fn respond(&self, headers: &HeaderMap) -> Result<Response<Body>, HttpError> {
        let is_stored = takes_brotli(headers);
        let content = if is_stored { Bytes::from_static(self.stored) } else { self.plain()? };
        let mut response = respond(self.media_type, content);
        let mut set = |name: HeaderName, value| response.headers_mut().insert(name, value);
        set(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
        if is_stored {
            // So the layer that compresses leaves it alone.
            set(CONTENT_ENCODING, HeaderValue::from_static(BROTLI));
        }
        Ok(response)
    }
}

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
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => file.respond(&headers).unwrap_or_else(|error| error.early_answer(&headers)),
        None => not_found(&headers),
    }
}

fn respond(media_type: &'static str, content: impl Into<Body>) -> Response<Body> {
    // The files change with the binary, and have no version in their names.
    page_part(media_type, POLICY, "no-cache", content)
}
