//! HTTP's own rules for every message: hosts, heads that cannot be read, bodies that are not read, answers without content.

pub(super) mod early_refusals;
pub(super) mod host;
pub(super) mod service;
mod unread_body;
