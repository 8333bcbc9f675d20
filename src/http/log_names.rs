//! Names in the request log: the operations of a request and the accounts whose teams it may read, as keyed hashes.
//!
//! The same operation and account have the same names as long as the process runs, so that lines can be compared. The key is
//! random, so that hashing addresses does not find an account in the log.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hmac, rand};
use parking_lot::Mutex;

use crate::graphql::Reference;
use crate::model::{AccessError, Account, Caller, CallerLimits, CredentialId, Grant, Grants};

/// The most names of one request.
const NAMES_LIMIT: usize = 4;
/// The bytes of a name.
const LENGTH: usize = 6;

/// Makes names. Clones make the same.
#[derive(Clone)]
pub struct LogNames(hmac::Key);

/// The names of one request, in its response's extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct Logged {
    pub(super) operations: Option<String>,
    pub(super) accounts: Option<String>,
}

impl Default for LogNames {
    fn default() -> Self {
        let mut seed = [0; 32];
        // Without randomness the names are still one-way.
        let _ = rand::fill(&mut seed);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &seed))
    }
}

impl LogNames {
    /// The name of a document, whether its text was sent, or its hash.
    pub(super) fn operation(&self, document: &Reference) -> String {
        let id = document.id.as_deref().map(|id| id.strip_prefix("sha256:").unwrap_or(id));
        match (&document.text, &document.persisted, id) {
            (Some(text), ..) => self.name("operation", hex(digest(&SHA256, text.as_bytes()).as_ref()).as_bytes()),
            (None, Some(persisted), _) => self.name("operation", persisted.sha256_hash.as_bytes()),
            (None, None, id) => self.name("operation", id.unwrap_or_default().as_bytes()),
        }
    }

    fn account(&self, account: &Account) -> String {
        self.name("account", format!("{} {}", account.user_type.name(), account.email.as_str()).as_bytes())
    }

    /// The name of a credential, which is an identity of it already.
    pub(in crate::http) fn credential(&self, id: &CredentialId) -> String {
        let [_, name] = id.parts();
        self.name("credential", name)
    }

    fn name(&self, kind: &str, text: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(text);
        hex(&context.sign().as_ref()[..LENGTH])
    }

    /// What a request's line has.
    pub(super) fn logged(&self, operations: &[String], grants: &RecordedGrants) -> Logged {
        let accounts: Vec<String> = grants.accounts().iter().map(|account| self.account(account)).collect();
        let joined = |names: &[String]| (!names.is_empty()).then(|| names.join(","));
        Logged { operations: joined(&operations[..operations.len().min(NAMES_LIMIT)]), accounts: joined(&accounts) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Grants that remember for which accounts there were some.
pub(super) struct RecordedGrants {
    grants: Arc<dyn Grants>,
    accounts: Mutex<Vec<Account>>,
}

impl RecordedGrants {
    pub(super) fn new(grants: Arc<dyn Grants>) -> Arc<Self> {
        Arc::new(Self { grants, accounts: Mutex::default() })
    }

    fn accounts(&self) -> Vec<Account> {
        self.accounts.lock().clone()
    }
}

impl Grants for RecordedGrants {
    fn grant(&self, argument: Option<Account>) -> Result<Grant, AccessError> {
        let grant = self.grants.grant(argument)?;
        let mut accounts = self.accounts.lock();
        if accounts.len() < NAMES_LIMIT && !accounts.contains(grant.account()) {
            accounts.push(grant.account().clone());
        }
        Ok(grant)
    }

    fn own_account(&self) -> Option<Account> {
        self.grants.own_account()
    }

    fn caller(&self) -> &Caller {
        self.grants.caller()
    }

    fn limits(&self) -> CallerLimits {
        self.grants.limits()
    }

    fn is_router(&self) -> bool {
        self.grants.is_router()
    }
}
