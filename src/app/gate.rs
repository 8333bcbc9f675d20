//! The gate of a listener: its socket, which can be closed while the connections that came through it go on.
//!
//! The HTTP server closes its socket and its idle connections together, and a request that is on its way to an idle connection
//! is lost. Here the socket goes first, so that no new connection comes, and the connections last.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum_server::{AddrListener, Address};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A peer's address. A type of its own, whose listener is a gate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(SocketAddr);

impl Address for Peer {
    type Stream = TcpStream;
    type Listener = Gate;
}

impl Connected<Peer> for SocketAddr {
    fn connect_info(peer: Peer) -> Self {
        peer.0
    }
}

/// A socket that can be closed. Cheap to clone; all clones are one gate.
#[derive(Clone)]
pub(super) struct Gate(Arc<State>);

struct State {
    socket: Mutex<Option<Arc<TcpListener>>>,
    /// The same socket, for the last look at it: the runtime does not know yet of who has connected just now.
    raw: Mutex<Option<std::net::TcpListener>>,
    address: SocketAddr,
    closing: Notify,
    /// Who had connected when the socket was closed.
    last: Mutex<VecDeque<(std::net::TcpStream, SocketAddr)>>,
}

impl Gate {
    pub(super) fn new(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let (address, raw) = (socket.local_addr()?, socket.try_clone()?);
        let socket = Arc::new(TcpListener::from_std(socket)?);
        Ok(Self(Arc::new(State {
            socket: Mutex::new(Some(socket)),
            raw: Mutex::new(Some(raw)),
            address,
            closing: Notify::new(),
            last: Mutex::default(),
        })))
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Lets in who has connected already, and nobody after them.
    pub(super) fn close(&self) {
        self.0.closing.notify_one();
    }
}

impl State {
    /// Takes everybody out of the queue, and closes the socket at once: whoever is in the queue then is cut off.
    fn empty(&self) {
        self.socket.lock().take();
        let Some(raw) = self.raw.lock().take() else { return };
        let mut last = self.last.lock();
        loop {
            match raw.accept() {
                Ok(accepted) => last.push_back(accepted),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => return drop(raw),
            }
        }
    }
}

impl AddrListener<TcpStream, Peer> for Gate {
    async fn bind_to(peer: Peer) -> io::Result<Self> {
        Self::new(std::net::TcpListener::bind(peer.0)?)
    }

    async fn accept_stream(&self) -> io::Result<(TcpStream, Peer)> {
        loop {
            let last = self.0.last.lock().pop_front();
            if let Some((stream, address)) = last {
                stream.set_nonblocking(true)?;
                return Ok((TcpStream::from_std(stream)?, Peer(address)));
            }
            let socket = self.0.socket.lock().clone();
            let Some(socket) = socket else { return std::future::pending().await };
            tokio::select! {
                biased;
                accepted = socket.accept() => return accepted.map(|(stream, address)| (stream, Peer(address))),
                () = self.0.closing.notified() => {}
            }
            drop(socket);
            self.0.empty();
        }
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        Ok(Peer(self.0.address))
    }
}
