//! `health`: sends a health check to the admin port; for containers without another HTTP client.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::configuration::ConfigArgs;
use crate::config::Profile;

/// The timeout of a health check.
const TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn run(arguments: &ConfigArgs) -> Result<()> {
    let address = arguments.admin_address(Profile::Serve)?;
    super::runtime::block_on(async {
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

/// Sends one plain GET and returns the whole response, without an HTTP library.
async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /health/ready HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer).await?;
    Ok(answer)
}
