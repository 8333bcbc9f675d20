//! A listener: a bound address, the server behind it, and its end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use tokio::task::JoinHandle;

use crate::config;
use crate::http::{ConnectionLimiter, Health};
use crate::telemetry::Metrics;

/// What stands in a request's head besides URI and headers, in bytes, generously; the least that hyper takes is 8 KiB.
const HEAD_REST: u64 = 8 << 10;
/// Requests under way on one HTTP/2 connection.
const STREAMS: u32 = 100;
/// What an HTTP/2 client may send ahead, on a stream and on a connection.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Streams that a client has reset and that still wait to be noticed.
const RESET_STREAMS: usize = 20;
/// How often a silent HTTP/2 peer is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);

pub(super) struct Listener {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Listener {
    pub(super) fn start(
        setting: &str,
        address: SocketAddr,
        routes: Router,
        settings: &config::HttpConfig,
        health: Arc<Health>,
        metrics: Option<Arc<Metrics>>,
    ) -> Result<Self> {
        let cannot = || format!("{setting}: cannot listen on {address}");
        let socket = TcpListener::bind(address).with_context(cannot)?;
        socket.set_nonblocking(true).with_context(cannot)?;
        let address = socket.local_addr().with_context(cannot)?;
        let handle = Handle::new();
        let mut server = axum_server::from_tcp(socket)
            .with_context(cannot)?
            .handle(handle.clone())
            .acceptor(ConnectionLimiter::new(settings, health, metrics))
            .first_request_timeout(settings.first_request_timeout);
        let bytes = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
        let head = settings.uri_limit.as_u64() + settings.header_bytes_limit.as_u64() + HEAD_REST;
        server
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            // A head that does not come is for the connection's watch to notice; another timer for each would be thrown away.
            .header_read_timeout(None)
            .max_headers(settings.headers_limit)
            .max_buf_size(bytes(head) as usize);
        server
            .http_builder()
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(bytes(settings.header_bytes_limit.as_u64()))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_pending_accept_reset_streams(RESET_STREAMS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        #[expect(clippy::disallowed_methods, reason = "one task for each listener, which `stop` waits for")]
        let server = tokio::spawn(server.serve(service));
        Ok(Self { address, handle, server })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn stop(self, grace_period: Duration) {
        self.handle.graceful_shutdown(Some(grace_period));
        // It ends when the last connection has, or the grace period is over.
        let _ = self.server.await;
    }
}
