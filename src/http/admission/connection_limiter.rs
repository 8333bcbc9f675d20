//! ConnectionLimiter: how many there may be, in all and from one network, and how long one is kept that does nothing. One too many
//! is closed before a byte of it is read.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ipnet::IpNet;
use parking_lot::{Mutex, RwLock};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::client_ip::{is_trusted, network};
use super::key_counts::KeyCounts;
use super::proxy_protocol;
use super::response_deadline::{ConnectionDeadline, PendingResponses};
use super::track_responses::TrackResponses;
use super::turns::Turns;
use crate::config;
use crate::http::framing::early_refusals::ExplainedStream;
use crate::http::tls::{ServerTls, Transport};
use crate::http::{Health, SwappableRoutes};
use crate::model::Clock;
use crate::telemetry::Metrics;

/// Counts the connections of one listener.
#[derive(Clone)]
pub struct ConnectionLimiter(Arc<Counts>);

struct Counts {
    limits: RwLock<Arc<ConnectionLimits>>,
    health: Arc<Health>,
    /// Counts requests that are refused before a service sees them.
    metrics: Option<Arc<Metrics>>,
    /// Without it, connections are in the clear.
    tls: Option<Arc<ServerTls>>,
    open: Mutex<KeyCounts<IpAddr>>,
    handshakes: Turns,
}

/// The limits of new connections.
struct ConnectionLimits {
    all: usize,
    peer: usize,
    trusted: Vec<IpNet>,
    /// From a request's arrival to its answer's last byte.
    delivery_timeout: Duration,
    send_timeout: Duration,
    /// From where HTTP begins on it.
    first_request_timeout: Duration,
    idle_timeout: Duration,
    /// For how long a trusted proxy's header is waited for; `None` where connections have none.
    proxy_header: Option<Duration>,
}

impl ConnectionLimits {
    fn new(settings: &config::HttpConfig) -> Self {
        Self {
            all: settings.connections_limit,
            peer: settings.peer_connections_limit,
            trusted: settings.trusted_proxies.clone(),
            delivery_timeout: settings.timeout + settings.send_timeout,
            send_timeout: settings.send_timeout,
            first_request_timeout: settings.first_request_timeout,
            idle_timeout: settings.idle_timeout,
            proxy_header: settings.proxy_protocol.then_some(settings.first_request_timeout),
        }
    }
}

impl ConnectionLimiter {
    /// With the limits of these settings; `health` tells when no more requests are wanted on them.
    #[must_use]
    pub fn new(
        settings: &config::HttpConfig,
        health: Arc<Health>,
        metrics: Option<Arc<Metrics>>,
        tls: Option<Arc<ServerTls>>,
    ) -> Self {
        Self(Arc::new(Counts {
            limits: RwLock::new(Arc::new(ConnectionLimits::new(settings))),
            health,
            metrics,
            tls,
            open: Mutex::default(),
            handshakes: Turns::of_handshakes(),
        }))
    }

    /// New connections go by these settings from now on.
    pub fn set(&self, settings: &config::HttpConfig) {
        *self.0.limits.write() = Arc::new(ConnectionLimits::new(settings));
    }

    /// A permit for one more connection of this peer.
    fn admit(&self, peer: IpAddr, limits: &ConnectionLimits) -> Option<ConnectionPermit> {
        let counts = &self.0;
        let exempt = is_trusted(peer, &limits.trusted);
        let peer = network(peer);
        let mut open = counts.open.lock();
        if open.all() >= limits.all || (!exempt && open.of(&peer) >= limits.peer) {
            return None;
        }
        open.add(peer);
        counts.metrics.iter().for_each(|metrics| metrics.listener().connection_opened());
        Some(ConnectionPermit { counts: counts.clone(), peer })
    }
}

/// An open connection's permit, free again when it is dropped.
struct ConnectionPermit {
    counts: Arc<Counts>,
    peer: IpAddr,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.counts.open.lock();
        open.remove(&self.peer);
        self.counts.metrics.iter().for_each(|metrics| metrics.listener().connection_closed());
    }
}

/// A connection that is let in, and its service.
type Accepted = (ExplainedStream<Transport<LimitedStream>>, TrackResponses);

impl ConnectionLimiter {
    /// Lets a connection in, behind what comes before HTTP in it, with the service that answers its requests.
    pub(in crate::http) async fn accept(&self, mut stream: TcpStream, routes: SwappableRoutes) -> io::Result<Accepted> {
        let counts = &self.0;
        let limits = counts.limits.read().clone();
        // Answers are small and complete; waiting to fill a packet only delays them.
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?.ip().to_canonical();
        let permit = self.admit(peer, &limits).ok_or_else(|| io::Error::other("too many connections"))?;
        let client = match limits.proxy_header.filter(|_| is_trusted(peer, &limits.trusted)) {
            Some(longest) => proxy_protocol::read(&mut stream, longest).await?,
            None => None,
        };
        let address = client.unwrap_or(permit.peer);
        let pending = PendingResponses::new(
            limits.delivery_timeout,
            limits.send_timeout,
            limits.idle_timeout,
            counts.health.clone(),
        );
        let watch = ConnectionDeadline::new(pending.clone());
        let stream = LimitedStream { stream, watch, stalled: None, permit };
        let (stream, certificate) = match &counts.tls {
            Some(tls) => tls.accept(stream, (&counts.handshakes, address)).await?,
            None => (Transport::Plain(stream), None),
        };
        pending.await_first(limits.first_request_timeout);
        let service = TrackResponses::new(routes, pending, (address, certificate));
        Ok((ExplainedStream::new(stream, counts.metrics.clone()), service))
    }
}

/// A connection that holds a permit, and loses it when its client does nothing for too long.
pub(in crate::http) struct LimitedStream {
    stream: TcpStream,
    watch: ConnectionDeadline,
    /// Since when the socket takes nothing.
    stalled: Option<Instant>,
    permit: ConnectionPermit,
}

impl LimitedStream {
    /// Counts what was written.
    fn count(&self, written: &Poll<io::Result<usize>>) {
        if let (Poll::Ready(Ok(bytes)), Some(metrics)) = (written, &self.permit.counts.metrics) {
            metrics.listener().sent(*bytes);
        }
    }

    /// The result of waiting to write.
    fn unless_stalled<T>(&mut self, waited: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.stalled = if waited.is_pending() { self.stalled.or_else(|| Some(Clock::instant())) } else { None };
        self.unless_overdue(waited, cx)
    }

    /// The result of waiting: more of it, or the end of the connection.
    fn unless_overdue<T>(&mut self, waited: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        match waited {
            Poll::Pending => self.watch.poll(self.stalled, cx).map(|()| Err(io::ErrorKind::TimedOut.into())),
            ready => ready,
        }
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.unless_overdue(read, cx)
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buffer);
        self.count(&written);
        self.unless_stalled(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, buffers);
        self.count(&written);
        self.unless_stalled(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
