//! Streams: subscriptions over WebSocket (`graphql-transport-ws`), server-sent events (distinct connections mode) and multipart
//! responses (Apollo's protocol), with what bounds them.
//!
//! A stream is admitted (`limits`), its caller's rights are checked again while it lives (`rights`), and it ends with them, with
//! its lifetime, or with the service.

mod forwarded_head;
mod framing;
mod limits;
mod messages;
mod operation_line;
mod operations;
pub(super) mod response;
mod rights;
mod socket;
pub(super) mod stream_outcome;
pub(super) mod subscription_line;
mod timers;
pub(super) mod upgrade;
mod woken;

pub use limits::LiveStreams;
