//! The HTTP server: one connection after its acceptance, from its first byte to its last, over HTTP/1.1 or HTTP/2.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;

use super::farewell::Farewell;
use super::poll_again::PollAgain;
use crate::compute::ComputePool;
use crate::config;
use crate::http::SwappableRoutes;
use crate::http::admission::ConnectionLimiter;

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

/// Serves the connections of one listener.
pub struct HttpServer {
    protocols: Builder<TokioExecutor>,
    limiter: ConnectionLimiter,
    routes: SwappableRoutes,
    farewell: Farewell,
    compute: ComputePool,
}

impl HttpServer {
    /// With these bounds on what a request's head may be. Connections end when the farewell is said. `compute`: where the long work
    /// is done.
    #[must_use]
    pub fn new(
        settings: &config::HttpConfig,
        limiter: ConnectionLimiter,
        routes: SwappableRoutes,
        farewell: Farewell,
        compute: ComputePool,
    ) -> Self {
        let bytes = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
        let head = settings.uri_limit.as_u64() + settings.header_bytes_limit.as_u64() + HEAD_REST;
        let mut protocols = Builder::new(TokioExecutor::new());
        protocols
            .http1()
            .timer(TokioTimer::new())
            // A head that does not come is for the connection's watch to notice; another timer for each would be thrown away.
            .header_read_timeout(None)
            .max_buf_size(bytes(head) as usize);
        // At its own number of them it has a place that is not zeroed for each request.
        if settings.headers_limit != HYPER_HEADERS {
            protocols.http1().max_headers(settings.headers_limit);
        }
        protocols
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
        Self { protocols, limiter, routes, farewell, compute }
    }

    /// Serves a connection until it ends. One that is not let in, or has made no handshake when the farewell is said, is closed.
    pub async fn serve(&self, stream: TcpStream) {
        let accepted = tokio::select! {
            biased;
            () = self.farewell.said() => return,
            accepted = self.limiter.accept(stream, self.routes.clone()) => accepted,
        };
        let Ok((stream, service)) = accepted else { return };
        let mut connection = pin!(self.protocols.serve_connection_with_upgrades(TokioIo::new(stream), service));
        let mut serving = pin!(async {
            tokio::select! {
                biased;
                _ = &mut connection => return,
                () = self.farewell.said() => {}
            }
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        });
        let serving = poll_fn(|cx| {
            self.compute.tell_turn();
            serving.as_mut().poll(cx)
        });
        PollAgain::new(serving, || self.compute.is_quiet()).await;
    }
}
