//! The peer: the address that a request really came from, as far as trusted proxies tell it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::HeaderName;
use axum::http::request::Parts;
use ipnet::IpNet;

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The connection's address; where that is a trusted proxy's, the last address of `X-Forwarded-For` that is not.
pub(in crate::http) fn address(parts: &Parts, trusted: &[IpNet]) -> Option<IpAddr> {
    let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    if !is_trusted(connection, trusted) {
        return Some(connection);
    }
    let forwarded = parts.headers.get_all(&FORWARDED).iter().filter_map(|value| value.to_str().ok());
    let addresses: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    for address in addresses.into_iter().rev() {
        match address.parse::<IpAddr>() {
            Ok(address) if is_trusted(address.to_canonical(), trusted) => {}
            Ok(address) => return Some(address.to_canonical()),
            // What stands before something unreadable was written by nobody who is trusted.
            Err(_) => break,
        }
    }
    Some(connection)
}

pub(in crate::http) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// Who counts as one peer: an IPv4 address, or the network of an IPv6 one, all of whose addresses a single host has.
pub(in crate::http) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}
