//! A stream that reads no more than was asked for, so that a tier which answers without end takes no memory of ours.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The bytes that may arrive besides awaited answers.
const SLACK: usize = 16 << 10;

/// How many bytes a connection may still bring.
#[derive(Debug)]
pub(super) struct Allowance(Mutex<AllowanceLeft>);

#[derive(Debug)]
struct AllowanceLeft {
    bytes: usize,
    awaited: usize,
}

/// An answer that is awaited. Dropped, it is no longer.
pub(super) struct Awaited<'a>(&'a Allowance);

impl Allowance {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(AllowanceLeft { bytes: SLACK, awaited: 0 })))
    }

    /// An answer of at most so many bytes is awaited from now on.
    pub(super) fn expect(&self, bytes: usize) -> Awaited<'_> {
        let mut left = self.0.lock();
        left.bytes = left.bytes.saturating_add(bytes);
        left.awaited += 1;
        drop(left);
        Awaited(self)
    }

    fn take(&self, bytes: usize) -> io::Result<()> {
        let mut left = self.0.lock();
        match left.bytes.checked_sub(bytes) {
            Some(rest) => {
                left.bytes = rest;
                Ok(())
            }
            None => Err(io::Error::new(io::ErrorKind::InvalidData, "the tier sends more than it was asked for")),
        }
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        let mut left = self.0.0.lock();
        left.awaited = left.awaited.saturating_sub(1);
        if left.awaited == 0 {
            left.bytes = SLACK;
        }
    }
}

/// The stream itself.
pub(super) struct BoundedStream<S> {
    pub(super) stream: S,
    pub(super) allowance: Arc<Allowance>,
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedStream<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => Poll::Ready(this.allowance.take(buffer.filled().len() - before)),
            other => other,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedStream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
