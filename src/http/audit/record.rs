//! The audit record: one line of JSON for each request, and for the start and the end of each subscription.

use serde::Serialize;

/// The contents of a line. The names of its members are interface (docs/operations.md).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditRecord<'r> {
    /// When it was written, in UTC.
    pub(super) time: String,
    /// `request`, or of a subscription `subscribed` and `ended`.
    pub(super) event: &'static str,
    pub(super) request_id: &'r str,
    /// `http`, `sse`, `multipart` or `websocket`.
    pub(super) transport: &'static str,
    /// `None` where the caller was not let in.
    pub(super) caller: Option<&'r str>,
    /// The accounts whose teams it could read, in order.
    pub(super) accounts: Vec<String>,
    pub(super) operation_name: Option<&'r str>,
    /// The document's name, a keyed hash.
    pub(super) operation_hash: Option<&'r str>,
    /// `query`, `mutation`, `introspection`, `subscription`, or `none` when nothing ran.
    pub(super) operation_type: &'static str,
    /// The personal data that was read, as coordinates of the schema.
    pub(super) personal_data: &'r [&'static str],
    /// How many members were sent.
    pub(super) rows: usize,
    /// How many events were, of a subscription that has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) events: Option<u64>,
    /// `ok`, `partial`, `refused` or `cancelled`.
    pub(super) outcome: &'static str,
    /// The codes of its errors.
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub(super) codes: &'r [&'static str],
    /// Why a subscription has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
}

impl AuditRecord<'_> {
    /// The line, with its line feed.
    pub(super) fn line(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(512);
        // Neither texts and numbers nor vectors fail to be written.
        let _ = serde_json::to_writer(&mut line, self);
        line.push(b'\n');
        line
    }
}
