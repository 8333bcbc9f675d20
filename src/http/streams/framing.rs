//! How events are framed in a response's body: as server-sent events, or as the parts of a multipart response.
//!
//! A multipart client hands a part over when it sees the boundary behind it, so each part is followed by its boundary at once.

use axum::http::HeaderValue;
use bytes::Bytes;

use crate::http::response::negotiate::StreamType;

impl StreamType {
    /// As `Content-Type` has it.
    pub(super) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::ServerSentEvents => "text/event-stream; charset=utf-8",
            Self::Multipart => "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=1.0",
        })
    }

    /// Its name in metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ServerSentEvents => "sse",
            Self::Multipart => "multipart",
        }
    }

    /// The beginning of the body, so that the client sees at once that it has begun.
    pub(super) fn opening(self) -> Bytes {
        Bytes::from_static(match self {
            Self::ServerSentEvents => b":\n\n",
            Self::Multipart => b"--graphql",
        })
    }

    /// An event. Its payload is JSON without line breaks, and not copied.
    pub(super) fn event(self, payload: Bytes) -> [Bytes; 3] {
        let (before, after): (&[u8], &[u8]) = match self {
            Self::ServerSentEvents => (b"event: next\ndata: ", b"\n\n"),
            Self::Multipart => (b"\r\ncontent-type: application/json\r\n\r\n{\"payload\":", b"}\r\n--graphql"),
        };
        [Bytes::from_static(before), payload, Bytes::from_static(after)]
    }

    /// The end of a stream that cannot go on, beside the events: an error of the transport.
    pub(super) fn failure(self, errors: &str) -> Bytes {
        match self {
            Self::ServerSentEvents => format!("event: next\ndata: {{\"errors\":{errors}}}\n\n").into(),
            Self::Multipart => format!(
                "\r\ncontent-type: application/json\r\n\r\n{{\"payload\":null,\"errors\":{errors}}}\r\n--graphql"
            )
            .into(),
        }
    }

    /// A sign of life.
    pub(super) fn heartbeat(self) -> Bytes {
        Bytes::from_static(match self {
            Self::ServerSentEvents => b":\n\n",
            Self::Multipart => b"\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql",
        })
    }

    /// The end of the body. An event without a data line would not be dispatched.
    pub(super) fn ending(self) -> Bytes {
        Bytes::from_static(match self {
            Self::ServerSentEvents => b"event: complete\ndata:\n\n",
            Self::Multipart => b"--\r\n",
        })
    }
}
