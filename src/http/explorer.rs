//! The explorer: a GraphQL playground in the browser, from files that were built into the binary. No request leaves the
//! machine; the page may load, connect to and run nothing but what is served here.

use std::sync::{Arc, OnceLock};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

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
    /// A checksum of it, by which a browser asks whether what it has is still the file.
    tag: OnceLock<String>,
}

impl BuiltInFile {
    /// Called from what the build script writes, which is nothing where the bundle was not built.
    #[allow(dead_code)]
    const fn new(name: &'static str, media_type: &'static str, stored: &'static [u8]) -> Self {
        Self { name, media_type, stored, plain: OnceLock::new(), tag: OnceLock::new() }
    }

    fn plain(&self) -> Result<Bytes, HttpError> {
        if let Some(plain) = self.plain.get() {
            return Ok(plain.clone());
        }
        let plain = coding::decode(Bytes::from_static(self.stored), ContentCoding::Brotli, SIZE_LIMIT)?;
        Ok(self.plain.get_or_init(|| plain).clone())
    }

    /// The checksum, between quotes. In a header it is marked as weak: it is the same in every coding.
    fn tag(&self) -> &str {
        self.tag.get_or_init(|| format!("\"{:08x}\"", crc32fast::hash(self.stored)))
    }

    /// Whether this is what the browser has.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = tags.flat_map(|value| value.split(',')).map(str::trim);
        tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.tag())
    }

    /// Its content as it is stored, where the request takes that; or that it is what the browser has.
    fn respond(&self, headers: &HeaderMap) -> Result<Response<Body>, HttpError> {
        let is_known = self.is_known(headers);
        let is_stored = !is_known && takes_brotli(headers);
        let content = match (is_known, is_stored) {
            (true, _) => Bytes::new(),
            (_, true) => Bytes::from_static(self.stored),
            _ => self.plain()?,
        };
        let mut response = respond(self.media_type, content);
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let mut set = |name: HeaderName, value| response.headers_mut().insert(name, value);
        set(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
        if let Ok(tag) = HeaderValue::try_from(format!("W/{}", self.tag())) {
            set(ETAG, tag);
        }
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
