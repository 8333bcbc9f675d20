//! Framing: HTTP's own rules for every message: hosts, malformed heads, unread bodies, responses without content.

pub(super) mod early_refusals;
pub(super) mod host;
pub(super) mod service;
pub(super) mod unread_body;
