//! Guards: what is asked of a request before it is read: that it is no larger than allowed, and that no other site's page
//! sent it in a user's name.

use std::net::IpAddr;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::uri::Authority;

use super::error::HttpError;
use crate::config;
use crate::graphql::Code;

/// URI and headers must be no larger than allowed; the refusal comes with its own status.
pub(in crate::http) fn check_size(parts: &Parts, settings: &config::HttpConfig) -> Result<(), (HttpError, StatusCode)> {
    let refuse = |what: &str, status| {
        Err((HttpError::new(Code::RequestTooLarge, format!("{what} larger than allowed")), status))
    };
    let uri = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    if uri as u64 > settings.uri_limit.as_u64() {
        return refuse("the URI is", StatusCode::URI_TOO_LONG);
    }
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    // Over HTTP/1.1 they have been counted before; over HTTP/2 nobody has.
    if headers as u64 > settings.header_bytes_limit.as_u64() || parts.headers.len() > settings.headers_limit {
        return refuse("the headers are", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    Ok(())
}

/// Whether the request's body, if it has one, is JSON: the media types that a plain form can send are not.
pub(in crate::http) fn is_json(parts: &Parts) -> bool {
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

/// A GET must show that a script of an allowed page sent it: these headers make a browser ask first.
pub(in crate::http) fn check_preflighted(parts: &Parts) -> Result<(), HttpError> {
    let named = ["apollo-require-preflight", "x-apollo-operation-name"];
    let shown = named.iter().any(|name| parts.headers.get(*name).is_some_and(|value| !value.is_empty()));
    if shown || is_json(parts) {
        return Ok(());
    }
    Err(HttpError::new(
        Code::Csrf,
        "a GET needs the header apollo-require-preflight, x-apollo-operation-name, or content-type: application/json",
    ))
}

/// Where connecting is all that is asked of a caller, the request must be meant for this machine: a page of another site
/// can point its own name here.
pub(in crate::http) fn check_host(parts: &Parts, hosts: &[String]) -> Result<(), HttpError> {
    let host = match parts.headers.get(HOST) {
        Some(host) => host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()),
        None => parts.uri.authority().cloned(),
    };
    let local = host.is_some_and(|authority| {
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost")
            || hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
            || address.is_ok_and(|address| address.is_loopback())
    });
    if local {
        return Ok(());
    }
    Err(HttpError::new(
        Code::MisdirectedRequest,
        "the Host header must be localhost, a loopback address, or one of http.allowed_hosts",
    ))
}
