//! Connections: how many there may be, in all and from one address. One too many is closed before a byte of it is read.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::peer::is_trusted;
use crate::config;

/// Counts the connections of one listener.
#[derive(Clone)]
pub struct Connections(Arc<Counts>);

struct Counts {
    limit: usize,
    peer_limit: usize,
    trusted: Vec<IpNet>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    peers: HashMap<IpAddr, usize>,
}

impl Connections {
    /// With the limits of these settings.
    #[must_use]
    pub fn new(settings: &config::Http) -> Self {
        Self(Arc::new(Counts {
            limit: settings.connections_limit,
            peer_limit: settings.peer_connections_limit,
            trusted: settings.trusted_proxies.clone(),
            open: Mutex::default(),
        }))
    }

    /// A place for one more connection of this peer.
    fn admit(&self, peer: IpAddr) -> Option<Place> {
        let counts = &self.0;
        let exempt = is_trusted(peer, &counts.trusted);
        let mut open = counts.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = open.peers.get(&peer).copied().unwrap_or(0);
        if open.all >= counts.limit || (!exempt && known >= counts.peer_limit) {
            return None;
        }
        open.all += 1;
        open.peers.insert(peer, known + 1);
        Some(Place { counts: counts.clone(), peer })
    }
}

/// An open connection's place, free again when it is dropped.
struct Place {
    counts: Arc<Counts>,
    peer: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.counts.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        match open.peers.get_mut(&self.peer) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.peers.remove(&self.peer)),
        }
    }
}

impl<S> Accept<TcpStream, S> for Connections {
    type Stream = Counted;
    type Service = S;
    type Future = Ready<io::Result<(Counted, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let admitted = stream.peer_addr().and_then(|peer| {
            // Answers are small and complete; waiting to fill a packet only delays them.
            stream.set_nodelay(true)?;
            self.admit(peer.ip().to_canonical()).ok_or_else(|| io::Error::other("too many connections"))
        });
        ready(admitted.map(|place| (Counted { stream, _place: place }, service)))
    }
}

/// A connection that holds a place.
pub struct Counted {
    stream: TcpStream,
    _place: Place,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
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
