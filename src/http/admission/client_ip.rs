//! The client's address: the address that a request really came from, as far as trusted proxies tell it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderName;
use axum::http::header::FORWARDED;
use axum::http::request::Parts;
use ipnet::IpNet;

use crate::config::{ForwardedHeader, HttpConfig};
use crate::http::request_origin::RequestOrigin;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The connection's address; where that is a trusted proxy's, the last address of its header that is not.
pub(in crate::http) fn address(parts: &Parts, settings: &HttpConfig) -> Option<IpAddr> {
    let trusted = &settings.trusted_proxies;
    let connection = RequestOrigin::of(&parts.extensions)?.address?.to_canonical();
    if !is_trusted(connection, trusted) {
        return Some(connection);
    }
    let values = |name: &HeaderName| -> Vec<&str> {
        parts.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect()
    };
    let nodes: Vec<Option<IpAddr>> = match settings.forwarded_header {
        ForwardedHeader::XForwardedFor => {
            values(&X_FORWARDED_FOR).into_iter().flat_map(|v| v.split(',')).map(node).collect()
        }
        ForwardedHeader::Forwarded => values(&FORWARDED).into_iter().flat_map(forwarded).collect(),
    };
    for address in nodes.into_iter().rev() {
        match address {
            Some(address) if is_trusted(address, trusted) => {}
            Some(address) => return Some(address),
            // An untrusted client may have written everything before an unreadable address.
            None => break,
        }
    }
    Some(connection)
}

/// The addresses of `Forwarded` (RFC 7239, 4), one for each proxy.
fn forwarded(value: &str) -> Vec<Option<IpAddr>> {
    let by = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| node(value)).flatten()
    };
    split(value, ',').into_iter().map(|element| split(element, ';').into_iter().find_map(by)).collect()
}

/// The parts of a header's value between separators that are not quoted.
fn split(value: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    let at = |c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    };
    value.split(at).collect()
}

/// An address as proxies write it: alone, with a port, in brackets, or quoted.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

pub(in crate::http) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The address by which a peer is counted: an IPv4 address, or the network of an IPv6 one, all of whose addresses a
/// single host has.
pub(in crate::http) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}
