//! Dials an address of the tier, or of a Sentinel: the TCP connection, and what is said before it is used.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo};
use tokio::net::TcpStream;

use super::allowance::{Allowance, BoundedStream};
use super::error::{TierError, classify};
use super::link::Link;

/// The size limit of the tier's `INFO`, in bytes.
pub(super) const INFO_LIMIT: usize = 64 << 10;

/// A host and its port.
pub(super) type RedisAddress = (String, u16);

pub(super) async fn tcp(address: &RedisAddress) -> Result<TcpStream, TierError> {
    let stream = TcpStream::connect((address.0.as_str(), address.1)).await.map_err(|_| TierError::Away)?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

pub(super) async fn greet<S>(stream: S, login: &RedisConnectionInfo) -> Result<Link, TierError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let allowance = Allowance::new();
    let stream = BoundedStream { stream, allowance: allowance.clone() };
    // Our own time-outs: one that passes gives the connection up.
    let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
    let _awaited = allowance.expect(INFO_LIMIT);
    let greeted = MultiplexedConnection::new_with_config(login, stream, config).await;
    let (connection, driver) = greeted.map_err(|error| classify(&error))?;
    #[expect(clippy::disallowed_methods, reason = "one for a connection, and it ends with it")]
    let driver = tokio::spawn(driver);
    Ok(Link::new(connection, allowance.clone(), driver))
}
