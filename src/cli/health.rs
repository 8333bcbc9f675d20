//! `health`: asks the admin port; for container health checks, which have no other client at hand.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::configuration::ConfigArgs;
use crate::config::Profile;

/// A health check is asked every few seconds; it must not wait for longer.
const TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn run(arguments: &ConfigArgs) -> Result<()> {
    let address = arguments.admin_address(Profile::Serve)?;
    super::command_line::block_on(async {
        let answer = tokio::time::timeout(TIMEOUT, ask(address)).await;
        let answer = answer.ok().and_then(Result::ok);
        let answer = answer.with_context(|| format!("no answer from the admin port at {address}"))?;
        let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        if head.split(' ').nth(1) != Some("200") {
            bail!("not ready: {}", text.trim());
        }
        say!("{}", text.trim());
        Ok(())
    })
}

/// The whole answer to one plain GET: what asks for so little needs no client library.
async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /health/ready HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer).await?;
    Ok(answer)
}
