//! The auditor: writes the records of requests, and names callers and accounts as one configuration wants it.

use std::sync::Arc;

use super::record::AuditRecord;
use crate::graphql::Reference;
use crate::http::log_names::{LogNames, RecordedGrants, hex};
use crate::model::{Account, CallerId, Clock, Timestamp};
use crate::telemetry::{AuditLog, QueueShare};

/// Writes records.
pub struct Auditor {
    log: AuditLog,
    /// Whether accounts are in the clear.
    in_clear: bool,
    /// Names accounts and documents.
    names: LogNames,
    /// Names tokens, whose identities last as long as the process.
    token_names: LogNames,
}

impl Auditor {
    /// Accounts are in the clear, or named by `names`, as documents are; `request_log` are the names of the request log.
    #[must_use]
    pub fn new(log: AuditLog, in_clear: bool, names: LogNames, request_log: LogNames) -> Arc<Self> {
        Arc::new(Self { log, in_clear, names, token_names: request_log })
    }

    pub(super) fn write(&self, record: &AuditRecord<'_>) {
        let share = if record.caller.is_some() { QueueShare::Whole } else { QueueShare::Half };
        self.log.append(&record.line(), share);
    }

    /// The time of a record.
    pub(super) fn time() -> String {
        let millis = i64::try_from(Clock::since_epoch().as_millis()).ok();
        millis.and_then(Timestamp::from_millis).map_or_else(String::new, |time| time.to_string())
    }

    /// A caller's id. What an operator has given a name is named by it; a JWT's issuer and subject are hashed, so that who
    /// knows them can find them.
    pub(super) fn caller(&self, id: &CallerId) -> String {
        match id {
            CallerId::Anonymous => "anonymous".to_owned(),
            CallerId::Key(id) => format!("key:{id}"),
            CallerId::Certificate(name) => format!("certificate:{name}"),
            CallerId::Subject(hash) => format!("subject:{}", hex(&hash.0)),
            CallerId::Token(identity) => format!("token:{}", self.token_names.token(&identity.0)),
        }
    }

    /// The name of a document.
    pub(super) fn operation(&self, document: &Reference) -> String {
        self.names.operation(document)
    }

    /// The accounts that grants were given for.
    pub(super) fn accounts(&self, grants: &RecordedGrants) -> Vec<String> {
        let name = |account: &Account| match self.in_clear {
            false => self.names.account(account),
            true => format!("{} {}", account.user_type.name(), account.email.as_str()),
        };
        let mut names: Vec<String> = grants.accounts().iter().map(name).collect();
        names.sort_unstable();
        names
    }
}
