//! The PROXY protocol, versions 1 and 2: the header with which a trusted proxy begins a connection, and the address in it.
//!
//! Only the header is read, so that the stream goes on with the client's own bytes.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use ppp::{HeaderResult, v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// The length of the shortest header of either version: `PROXY UNKNOWN` and the end of the line.
const SHORTEST: usize = 15;
/// The longest line of version 1.
const LONGEST_LINE: usize = 107;
/// The fixed part of version 2, whose last two bytes have the length of the rest.
const FIXED: usize = 16;
/// The longest rest of version 2 that is read: addresses, and what proxies tell of TLS besides.
const LONGEST_REST: usize = 4096;

/// Reads the header. `None` where the proxy speaks for itself (health checks), or says no address.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin), longest: Duration) -> io::Result<Option<IpAddr>> {
    let header = timeout(longest, header(stream)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    match HeaderResult::parse(&header) {
        HeaderResult::V1(Ok(header)) => Ok(match header.addresses {
            v1::Addresses::Tcp4(addresses) => Some(addresses.source_address.into()),
            v1::Addresses::Tcp6(addresses) => Some(addresses.source_address.into()),
            v1::Addresses::Unknown => None,
        }),
        HeaderResult::V2(Ok(header)) if header.command == v2::Command::Local => Ok(None),
        HeaderResult::V2(Ok(header)) => Ok(match header.addresses {
            v2::Addresses::IPv4(addresses) => Some(addresses.source_address.into()),
            v2::Addresses::IPv6(addresses) => Some(addresses.source_address.into()),
            v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
        }),
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Err(io::ErrorKind::InvalidData.into()),
    }
}

async fn header(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut header = vec![0; SHORTEST];
    stream.read_exact(&mut header).await?;
    if header.starts_with(v1::PROTOCOL_PREFIX.as_bytes()) {
        while !header.ends_with(b"\r\n") {
            if header.len() == LONGEST_LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            header.push(stream.read_u8().await?);
        }
    } else if header.starts_with(v2::PROTOCOL_PREFIX) {
        header.push(stream.read_u8().await?);
        let rest = usize::from(u16::from_be_bytes([header[FIXED - 2], header[FIXED - 1]]));
        if rest > LONGEST_REST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        header.resize(FIXED + rest, 0);
        stream.read_exact(&mut header[FIXED..]).await?;
    } else {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(header)
}
