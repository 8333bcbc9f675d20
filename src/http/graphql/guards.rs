//! Guards: what is asked of a request before it is read: that its head is no larger than allowed, that its body is what can be
//! read, that it is meant for this service, and that no other site's page sent it in a user's name.

use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode};

use crate::config;
use crate::graphql::Code;
use crate::http::framing::host;
use crate::http::response::error::HttpError;

/// The header that says from where a browser's page sends a request; no page can set it.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// URI and headers must be no larger than allowed. Returns how many bytes they have.
pub(super) fn check_size(parts: &Parts, settings: &config::HttpConfig) -> Result<usize, HttpError> {
    let refuse = |what: &str, status| {
        Err(HttpError::new(Code::RequestTooLarge, format!("{what} larger than allowed")).with_status(status))
    };
    let uri = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    if uri as u64 > settings.uri_limit.as_u64() {
        return refuse("the URI is", StatusCode::URI_TOO_LONG);
    }
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    // Over HTTP/1.1 they have been counted before; over HTTP/2 they have not.
    if headers as u64 > settings.header_bytes_limit.as_u64() || parts.headers.len() > settings.headers_limit {
        return refuse("the headers are", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    Ok(uri + headers)
}

/// The request's body must be JSON: the media types that a plain form can send are not.
pub(super) fn check_content_type(parts: &Parts) -> Result<(), HttpError> {
    if is_json(parts) {
        return Ok(());
    }
    let error = HttpError::new(Code::InvalidContentType, "send the body as content-type: application/json");
    // Of QUERY, RFC 10008 tells a missing media type from one that is not supported.
    let missing = parts.method == Method::QUERY && !parts.headers.contains_key(CONTENT_TYPE);
    Err(if missing { error.with_status(StatusCode::BAD_REQUEST) } else { error })
}

fn is_json(parts: &Parts) -> bool {
    let mut values = parts.headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let Ok(value) = value.to_str() else {
        return false;
    };
    let mut pieces = value.split(';').map(str::trim);
    let json = pieces.next().is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json"));
    json && pieces.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}

/// A GET must show that no other site's page sent it: its browser says that a page of this origin did, or the user without any
/// page, or it has a header that makes a browser ask first.
pub(super) fn check_csrf(parts: &Parts) -> Result<(), HttpError> {
    let mut sites = parts.headers.get_all(FETCH_SITE).iter().map(|value| value.as_bytes());
    let own_page = matches!((sites.next(), sites.next()), (Some(b"same-origin" | b"none"), None));
    let named = ["apollo-require-preflight", "x-apollo-operation-name"];
    let preflighted = named.iter().any(|name| parts.headers.get(*name).is_some_and(|value| !value.is_empty()));
    if own_page || preflighted || is_json(parts) {
        return Ok(());
    }
    Err(HttpError::new(
        Code::Csrf,
        "a GET from elsewhere than a page of this origin needs the header apollo-require-preflight, \
         x-apollo-operation-name, or content-type: application/json",
    ))
}

/// Where connecting is all that is asked of a caller, the request must be meant for this machine.
pub(super) fn check_host(parts: &Parts, names: &[String]) -> Result<(), HttpError> {
    if host::is_ours(&parts.headers, &parts.uri, names) { Ok(()) } else { Err(host::misdirected()) }
}
