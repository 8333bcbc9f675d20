//! Early refusals: the HTTP library's own responses to a request head that is malformed or too large.
//!
//! The library's response has no content, and is the last one of its connection. This stream replaces it by a response in the
//! shape of every other refusal, and distinguishes a long URI (414) from large headers (431): the library answers 431 to both
//! below 64 KiB. Afterwards the client's bytes are drained for a while, because closing a socket with unread bytes can destroy
//! the response.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::graphql::Code;
use crate::telemetry::Metrics;

/// The bounds of the drain after a refusal: bytes and time.
const MOST: usize = 1 << 20;
const LONGEST: Duration = Duration::from_secs(2);

/// A connection whose early refusals have content.
pub(in crate::http) struct ExplainedStream<S> {
    stream: S,
    /// Counts the refusals.
    metrics: Option<Arc<Metrics>>,
    /// Whether no line has ended since the last write, or since the connection began.
    in_first_line: bool,
    /// The replacement of the library's response, and how much of it has been written.
    instead: Vec<u8>,
    written: usize,
    /// The deadline and the remaining bytes of the drain after a refusal.
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> ExplainedStream<S> {
    pub(in crate::http) fn new(stream: S, metrics: Option<Arc<Metrics>>) -> Self {
        Self { stream, metrics, in_first_line: true, instead: Vec::new(), written: 0, lingering: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ExplainedStream<S> {
    /// Writes the rest of the replacement.
    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.instead.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Replaces a response of the library's own; `None` for every other one.
    fn take_over(&mut self, answer: &[u8], cx: &mut Context<'_>) -> Option<Poll<io::Result<usize>>> {
        let (instead, code) = explain(answer, self.in_first_line)?;
        self.instead = instead;
        self.metrics.iter().for_each(|metrics| metrics.refused(code.name()));
        self.written = 0;
        self.lingering = Some((Box::pin(sleep(LONGEST)), MOST));
        // The flush that follows writes the rest.
        Some(match self.poll_instead(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(answer.len())),
        })
    }

    /// Drains until the client closes its side, or a bound is reached.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((timer, left)) = &mut self.lingering else { return Poll::Ready(()) };
        let mut scratch = [0; 4096];
        while *left > 0 && timer.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => *left = left.saturating_sub(buffer.filled().len()),
                _ => break,
            }
        }
        self.lingering = None;
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ExplainedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.in_first_line &= memchr::memchr(b'\n', &buffer.filled()[before..]).is_none();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ExplainedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(taken) = self.take_over(buffer, cx) {
            return taken;
        }
        self.in_first_line = true;
        Pin::new(&mut self.stream).poll_write(cx, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [head] = buffers
            && let Some(taken) = self.take_over(head, cx)
        {
            return taken;
        }
        self.in_first_line = true;
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        ready!(self.poll_linger(cx));
        Poll::Ready(Ok(()))
    }
}

/// The replacement of a response that is the library's own, and its code: one of its three statuses, no content, and no `x-request-id`, which
/// all responses of the service have.
fn explain(answer: &[u8], in_first_line: bool) -> Option<(Vec<u8>, Code)> {
    let status = answer.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    let own = answer.ends_with(b"\r\n\r\n")
        && memmem::find(answer, b"content-length: 0\r\n").is_some()
        && memmem::find(answer, b"x-request-id").is_none();
    let (status, code, message) = match status {
        _ if !own => return None,
        b"414" => ("414 URI Too Long", Code::RequestTooLarge, "the URI is larger than allowed"),
        b"431" if in_first_line => ("414 URI Too Long", Code::RequestTooLarge, "the URI is larger than allowed"),
        b"431" => ("431 Request Header Fields Too Large", Code::RequestTooLarge, "the headers are larger than allowed"),
        b"400" => ("400 Bad Request", Code::BadRequest, "the head of the request is not HTTP"),
        _ => return None,
    };
    let content = serde_json::json!({ "errors": [{ "message": message, "extensions": { "code": code.name() } }] });
    let content = content.to_string();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n{content}",
        content.len()
    );
    Some((answer.into_bytes(), code))
}
