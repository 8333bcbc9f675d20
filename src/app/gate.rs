//! The gate of a listener: its socket, which can be closed while the connections that came through it go on.
//!
//! Where a socket and its idle connections are closed together, a request that is on its way to an idle connection is lost. Here the
//! socket goes first, so that no new connection comes, and the connections last.
//!
//! The kernel completes connections by itself, and cuts those off that are not accepted when their socket is closed. So it is
//! told before to begin no more; those that have begun are accepted, and then the socket is closed.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::time::sleep;

/// New connections that the kernel may hold until they are accepted. With the 128 of the standard library it drops some of a
/// longer burst, whose clients see a reset or wait a second.
const BACKLOG: u32 = 4096;
/// For how long connections that have begun are waited for before the socket is closed: the way to a distant client and back.
const HANDSHAKE: Duration = Duration::from_millis(100);
/// How long nothing is accepted behind an error, which may be that the process may open no more files: it would only come again.
const AFTER_ERROR: Duration = Duration::from_millis(50);

/// A socket that can be closed. Cheap to clone; all clones are one gate.
#[derive(Clone)]
pub(super) struct Gate(Arc<GateState>);

struct GateState {
    socket: Mutex<Option<Arc<TcpListener>>>,
    /// The same socket, for the last look at it: the runtime does not know yet of who has connected just now.
    raw: Mutex<Option<std::net::TcpListener>>,
    address: SocketAddr,
    closing: Notify,
    /// The connections that were waiting when the socket was closed.
    last: Mutex<VecDeque<std::net::TcpStream>>,
}

impl Gate {
    /// Binds the socket as the standard library does, with a longer queue.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // An address is free again at once after a stop.
        socket.set_reuseaddr(cfg!(unix))?;
        socket.bind(address)?;
        let socket = socket.listen(BACKLOG)?.into_std()?;
        let (address, raw) = (socket.local_addr()?, socket.try_clone()?);
        let socket = Arc::new(TcpListener::from_std(socket)?);
        Ok(Self(Arc::new(GateState {
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

    /// The next connection; `None` when the gate is closed and the last of them has been taken.
    pub(super) async fn accept(&self) -> Option<TcpStream> {
        loop {
            let last = self.0.last.lock().pop_front();
            if let Some(last) = last {
                match last.set_nonblocking(true).and_then(|()| TcpStream::from_std(last)) {
                    Ok(stream) => return Some(stream),
                    Err(_) => continue,
                }
            }
            let socket = self.0.socket.lock().clone()?;
            tokio::select! {
                biased;
                () = self.0.closing.notified() => {}
                accepted = socket.accept() => match accepted {
                    Ok((stream, _)) => return Some(stream),
                    Err(_) => {
                        sleep(AFTER_ERROR).await;
                        continue;
                    }
                },
            }
            drop(socket);
            self.0.empty();
        }
    }

    /// Lets no new connection begin, waits for those that have, and closes the socket behind them. A stop may take `longest`.
    pub(super) async fn close(&self, longest: Duration) {
        let begun = self.0.raw.lock().as_ref().is_some_and(|raw| refuse_new(raw).is_ok());
        if begun {
            // Within what there is for the whole stop.
            sleep(HANDSHAKE.min(longest / 2)).await;
        }
        self.0.closing.notify_one();
    }
}

impl GateState {
    /// Takes all connections out of the queue, and closes the socket at once. Where the kernel could not be told to begin no more,
    /// one that comes in between is cut off.
    fn empty(&self) {
        self.socket.lock().take();
        let Some(raw) = self.raw.lock().take() else { return };
        let mut last = self.last.lock();
        loop {
            match raw.accept() {
                Ok((accepted, _)) => last.push_back(accepted),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => return drop(raw),
            }
        }
    }
}

/// Has the kernel drop each packet that asks for a new connection, for which its sender asks again until the socket is closed and
/// it is told so.
#[cfg(target_os = "linux")]
fn refuse_new(socket: &std::net::TcpListener) -> io::Result<()> {
    use libc::{BPF_ABS, BPF_B, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET};
    use socket2::{SockFilter, SockRef};

    /// Where a TCP header has its flags, and the one that asks for a connection.
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;

    let step = |code: u32, when: u8, otherwise: u8, operand| SockFilter::new(code as u16, when, otherwise, operand);
    SockRef::from(socket).attach_filter(&[
        step(BPF_LD | BPF_B | BPF_ABS, 0, 0, FLAGS),
        step(BPF_JMP | BPF_JSET | BPF_K, 0, 1, SYN),
        step(BPF_RET | BPF_K, 0, 0, 0),
        step(BPF_RET | BPF_K, 0, 0, u32::MAX),
    ])
}

#[cfg(not(target_os = "linux"))]
fn refuse_new(_: &std::net::TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
