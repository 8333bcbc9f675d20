//! The auditor: writes the records of requests, and names callers and accounts as one configuration wants it.

use std::sync::Arc;

use super::record::Record;
use crate::http::log_names::{LogNames, RecordedGrants, hex};
use crate::model::{Account, CallerId, Clock, Timestamp};
use crate::telemetry::{AuditLog, QueueShare};

/// Writes records.
pub struct Auditor {
    log: AuditLog,
    /// The names of accounts; `None` where they are in the clear.
    account_names: Option<LogNames>,
    names: LogNames,
}

impl Auditor {
    /// Accounts are named by `account_names`, or in the clear where there are none; `names` are those of the request log.
    #[must_use]
    pub fn new(log: AuditLog, account_names: Option<LogNames>, names: LogNames) -> Arc<Self> {
        Arc::new(Self { log, account_names, names })
    }

    pub(super) fn write(&self, record: &Record<'_>) {
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
            CallerId::Subject(hash) => format!("subject:{}", hex(hash)),
            CallerId::Token(identity) => format!("token:{}", self.names.token(identity)),
        }
    }

    /// The accounts that grants were given for.
    pub(super) fn accounts(&self, grants: &RecordedGrants) -> Vec<String> {
        let name = |account: &Account| match &self.account_names {
            Some(names) => names.account(account),
            None => format!("{} {}", account.user_type.name(), account.email.as_str()),
        };
        let mut names: Vec<String> = grants.accounts().iter().map(name).collect();
        names.sort_unstable();
        names
    }
}
