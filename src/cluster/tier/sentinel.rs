//! Sentinels: servers that know which of several is the primary now. They are asked in turn at each connecting, so that a
//! connection that was lost to a failover leads to the new primary.

use std::time::Duration;

use redis::{RedisConnectionInfo, Value};
use tokio::time::timeout;

use super::dial::{RedisAddress, greet, tcp};
use super::error::TierError;

/// How long one Sentinel may take.
const WAIT: Duration = Duration::from_millis(300);
/// The size limit of its answer, in bytes.
const LIMIT: usize = 4 << 10;

/// Reads `host:port`, or a host with Sentinel's usual port.
pub(super) fn read_address(text: &str) -> Option<RedisAddress> {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, "26379"));
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some((host.to_owned(), port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
}

/// Where the primary of this name is, by the first Sentinel that knows it.
pub(super) async fn primary(name: &str, sentinels: &[RedisAddress]) -> Result<RedisAddress, TierError> {
    for sentinel in sentinels {
        if let Ok(Ok(Some(address))) = timeout(WAIT, ask(name, sentinel)).await {
            return Ok(address);
        }
    }
    Err(TierError::Away)
}

async fn ask(name: &str, sentinel: &RedisAddress) -> Result<Option<RedisAddress>, TierError> {
    let link = greet(tcp(sentinel).await?, &RedisConnectionInfo::default()).await?;
    let mut command = redis::cmd("SENTINEL");
    command.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    let Value::Array(parts) = link.call(&command, LIMIT, WAIT).await? else { return Ok(None) };
    let address: Option<(String, String)> = redis::from_redis_value(Value::Array(parts)).ok();
    Ok(address.and_then(|(host, port)| Some((host, port.parse().ok()?))))
}
