//! A connection's stream: in the clear, or in TLS after its handshake.

use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::ServerTls;
use crate::auth::ClientCertificate;
use crate::http::admission::caller_key::CallerKey;
use crate::http::admission::turns::Turns;

/// A stream that carries a connection.
pub(in crate::http) enum Transport<S> {
    /// As it comes.
    Plain(S),
    /// Encrypted.
    Tls(Box<TlsStream<S>>),
}

impl ServerTls {
    /// Makes the handshake, in turn with others of this address, and returns the stream with the certificate that the client has
    /// shown.
    pub(in crate::http) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        (turns, address): (&Turns, IpAddr),
    ) -> io::Result<(Transport<S>, Option<Arc<ClientCertificate>>)> {
        let (key, handshake) = (CallerKey::of_address(Some(address)), pin!(self.acceptor().accept(stream)));
        let handshake = timeout(self.handshake_timeout, turns.take(&key, handshake)).await;
        let result = match &handshake {
            Ok(Ok(_)) => "ok",
            Ok(Err(_)) => "failed",
            Err(_) => "timeout",
        };
        self.metrics.listener().handshake(result);
        let stream = handshake.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = shown.and_then(|certificate| ClientCertificate::read(certificate)).map(Arc::new);
        Ok((Transport::Tls(Box::new(stream)), certificate))
    }
}

macro_rules! poll {
    ($stream:expr, $call:ident $(, $argument:expr)*) => {
        match $stream.get_mut() {
            Self::Plain(stream) => Pin::new(stream).$call($($argument),*),
            Self::Tls(stream) => Pin::new(stream.as_mut()).$call($($argument),*),
        }
    };
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Transport<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        poll!(self, poll_read, cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Transport<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        poll!(self, poll_write, cx, buffer)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        poll!(self, poll_write_vectored, cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll!(self, poll_flush, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll!(self, poll_shutdown, cx)
    }
}
