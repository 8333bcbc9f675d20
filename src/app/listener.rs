//! A listener: a bound address, the server behind it, and its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::ServiceExt;
use axum::extract::Request;
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout_at};

use super::gate::{Gate, Peer};
use crate::config;
use crate::http::{ConnectionLimiter, Health, ServerTls, SwappableRoutes};
use crate::model::Clock;
use crate::telemetry::Metrics;

/// A generous bound in bytes on a request's head without URI and headers; the least that hyper takes is 8 KiB.
const HEAD_REST: u64 = 8 << 10;
/// So many headers may an HTTP/1.1 request have where hyper is told nothing else.
const HYPER_HEADERS: usize = 100;
/// Requests under way on one HTTP/2 connection.
const STREAMS: u32 = 100;
/// The flow-control windows of HTTP/2, of a stream and of a connection.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Streams that a client has reset and that still wait to be noticed.
const RESET_STREAMS: usize = 20;
/// How often a silent HTTP/2 peer is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);

/// How long connections at rest are kept after the socket is closed. A client that asks more often is told to go with a
/// response, so that no request of it meets a connection that is being closed.
const FAREWELL: Duration = Duration::from_millis(500);
/// How often it is looked at whether they are all gone.
const LOOK: Duration = Duration::from_millis(5);

pub(super) struct HttpListener {
    gate: Gate,
    handle: Handle<Peer>,
    server: JoinHandle<std::io::Result<()>>,
    health: Arc<Health>,
    limiter: ConnectionLimiter,
}

impl HttpListener {
    pub(super) fn start(
        setting: &str,
        address: SocketAddr,
        routes: SwappableRoutes,
        settings: &config::HttpConfig,
        health: Arc<Health>,
        metrics: Option<Arc<Metrics>>,
        tls: Option<Arc<ServerTls>>,
    ) -> Result<Self> {
        let cannot = || format!("{setting}: cannot listen on {address}");
        let gate = Gate::bind(address).with_context(cannot)?;
        let handle = Handle::new();
        let limiter = ConnectionLimiter::new(settings, health.clone(), metrics, tls);
        let mut server = Server::<Peer>::from_listener(gate.clone())
            .handle(handle.clone())
            .acceptor(limiter.clone())
            .first_request_timeout(settings.first_request_timeout);
        let bytes = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
        let head = settings.uri_limit.as_u64() + settings.header_bytes_limit.as_u64() + HEAD_REST;
        server
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            // A head that does not come is for the connection's watch to notice; another timer for each would be thrown away.
            .header_read_timeout(None)
            .max_buf_size(bytes(head) as usize);
        // At its own number of them it has a place that is not zeroed for each request.
        if settings.headers_limit != HYPER_HEADERS {
            server.http_builder().http1().max_headers(settings.headers_limit);
        }
        server
            .http_builder()
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            // WebSockets as streams of a connection (RFC 8441), which browsers use where they are told of it.
            .enable_connect_protocol()
            .max_header_list_size(bytes(settings.header_bytes_limit.as_u64()))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_pending_accept_reset_streams(RESET_STREAMS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        let service = ServiceExt::<Request>::into_make_service(routes);
        #[expect(clippy::disallowed_methods, reason = "one task for each listener, which `stop` waits for")]
        let server = tokio::spawn(server.serve(service));
        Ok(Self { gate, handle, server, health, limiter })
    }

    /// The limiter that counts and times its connections.
    pub(super) fn limiter(&self) -> ConnectionLimiter {
        self.limiter.clone()
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.gate.address()
    }

    /// Closes the socket, then, with every response, the connections that are in use, then those at rest. Returns how many
    /// requests were not answered within the grace period, and are cut off.
    pub(super) async fn stop(mut self, grace_period: Duration) -> usize {
        let (now, longest) = (Clock::instant(), grace_period);
        let farewell = now + FAREWELL.min(longest);
        let _ = timeout_at(farewell, self.gate.close(longest)).await;
        while self.handle.connection_count() > 0 && Clock::instant() < farewell {
            sleep(LOOK).await;
        }
        self.handle.graceful_shutdown(None);
        // It ends when the last connection has.
        if timeout_at(now + longest, &mut self.server).await.is_ok() {
            return 0;
        }
        let cut = self.health.requests();
        self.handle.shutdown();
        let _ = self.server.await;
        cut
    }
}
