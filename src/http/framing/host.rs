//! The host that a request names (RFC 9112, 3.2; RFC 9113, 8.3.1).

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, Version};

use crate::graphql::Code;
use crate::http::response::error::HttpError;

/// Refuses a request whose host is ambiguous: HTTP/1.1 requires exactly one valid Host, and over HTTP/2 a Host must equal
/// `:authority`.
///
/// # Errors
/// When it is missing or invalid.
pub(super) fn check(request: &Request) -> Result<(), &'static str> {
    let (headers, uri) = (request.headers(), request.uri());
    let mut values = headers.get_all(HOST).iter();
    let problem = match (values.next(), values.next()) {
        (Some(_), Some(_)) => "the request has several Host headers",
        (None, _) if request.version() == Version::HTTP_11 => "the request has no Host header",
        (Some(value), None) if !is_valid(value) => "the Host header is not valid",
        // A request line's authority wins over Host (RFC 9112, 3.2.2); HTTP/2's must equal it.
        (Some(value), None) if request.version() == Version::HTTP_2 && differs(value, uri) => {
            "Host and :authority name different hosts"
        }
        _ => return Ok(()),
    };
    Err(problem)
}

/// The authority that the request names, if any: the request line's or `:authority`, otherwise Host's.
pub(in crate::http) fn of(headers: &HeaderMap, uri: &Uri) -> Option<Authority> {
    uri.authority().cloned().or_else(|| headers.get(HOST)?.to_str().ok()?.parse().ok())
}

/// Whether the request is meant for this machine: by an address, which no other site can point here, by `localhost`, or by one
/// of these names. A page of another site can point its own name here.
pub(in crate::http) fn is_ours(headers: &HeaderMap, uri: &Uri, names: &[String]) -> bool {
    of(headers, uri).is_some_and(|authority| {
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        address.is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || names.iter().any(|known| known.eq_ignore_ascii_case(host))
    })
}

/// The refusal of a request that is meant for another machine.
pub(in crate::http) fn misdirected() -> HttpError {
    HttpError::new(
        Code::MisdirectedRequest,
        "the Host header must be an address, localhost, this machine's own name, or one of http.allowed_hosts",
    )
}

/// An empty Host is valid: it stands for a URI without an authority.
fn is_valid(value: &HeaderValue) -> bool {
    value.is_empty()
        || value.to_str().is_ok_and(|text| is_name(text) || !text.contains('@') && text.parse::<Authority>().is_ok())
}

/// Whether it is a name, with or without a port, as nearly all are: the library would copy it to judge it.
fn is_name(text: &str) -> bool {
    let (name, port) = text.split_once(':').unwrap_or((text, "80"));
    let is_in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    !name.is_empty()
        && name.bytes().all(is_in_name)
        && port.bytes().all(|digit| digit.is_ascii_digit())
        && port.parse::<u16>().is_ok()
}

fn differs(value: &HeaderValue, uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| !authority.as_str().as_bytes().eq_ignore_ascii_case(value.as_bytes()))
}
