//! Names in the request log: the operations of a request and the accounts whose teams it may read, as keyed hashes.
//!
//! The same operation and account have the same names as long as the process runs, so that lines can be compared. The key is
//! random, so that hashing addresses does not find an account in the log.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use ahash::RandomState;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use axum::body::Body;
use axum::http::Response;
use parking_lot::{Mutex, MutexGuard};

use super::known_names::KnownNames;
use crate::graphql::Reference;
use crate::model::{AccessError, Account, Caller, CallerLimits, CredentialId, Grant, Grants};

/// The most names of one request.
const NAMES_LIMIT: usize = 4;
/// The bytes of a name.
const LENGTH: usize = 6;

/// Makes names. Clones make the same.
#[derive(Clone)]
pub struct LogNames(Arc<NameMaker>);

struct NameMaker {
    key: hmac::Key,
    /// Names of documents, by their texts, and of accounts: hashing them anew costs a tenth of a warm request.
    documents: KnownNames<Box<str>>,
    accounts: KnownNames<Account>,
}

/// The names of one request, in its response's extensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Logged {
    pub(super) operations: Option<String>,
    pub(super) accounts: Option<String>,
}

impl Logged {
    /// Hands the names on with a response. Where there are none, nothing is.
    pub(super) fn put_into(self, response: &mut Response<Body>) {
        if self != Self::default() {
            response.extensions_mut().insert(self);
        }
    }
}

impl Default for LogNames {
    fn default() -> Self {
        let mut seed = [0; 32];
        // Without randomness the names are still one-way.
        let _ = getrandom::fill(&mut seed);
        Self::with_key(&seed)
    }
}

impl LogNames {
    /// Names that are the same wherever the key is.
    #[must_use]
    pub fn with_key(key: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        Self(Arc::new(NameMaker { key, documents: KnownNames::default(), accounts: KnownNames::default() }))
    }

    /// The name of a document, by its hash: that of its text where it was sent, or the one that it is named by. Where it is named
    /// otherwise, by that.
    pub(super) fn operation(&self, document: &Reference) -> String {
        let name = |hash: &str| self.name("operation", hash.as_bytes());
        match (&document.text, document.hash()) {
            (Some(text), _) => {
                let make = || name(&hex(digest(&SHA256, text.as_bytes()).as_ref()));
                self.0.documents.get(text.as_str(), text.len(), make)
            }
            (None, Some(hash)) => name(&hash.to_ascii_lowercase()),
            (None, None) => name(document.name().unwrap_or_default()),
        }
    }

    pub(super) fn account(&self, account: &Account) -> String {
        let (kind, email) = (account.user_type.name(), account.email.as_str());
        let make = || self.name("account", format!("{kind} {email}").as_bytes());
        self.0.accounts.get(account, email.len(), make)
    }

    /// The name of a credential, which is an identity of it already.
    pub(in crate::http) fn credential(&self, id: &CredentialId) -> String {
        let [_, name] = id.parts();
        self.name("credential", name)
    }

    /// The name of a caller, by a hash.
    pub(in crate::http) fn caller(&self, hash: u64) -> String {
        self.name("caller", &hash.to_be_bytes())
    }

    /// The name of a token, by its identity.
    pub(super) fn token(&self, identity: &[u8]) -> String {
        self.name("token", identity)
    }

    fn name(&self, kind: &str, text: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0.key);
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(text);
        hex(&context.sign().as_ref()[..LENGTH])
    }

    /// The content of a request's log line.
    pub(super) fn logged(&self, recorded: &RecordedGrants) -> Logged {
        let mut accounts: Vec<String> = recorded.accounts().iter().map(|account| self.account(account)).collect();
        accounts.sort_unstable();
        Logged { operations: recorded.operations.get().cloned(), accounts: join(accounts.into_iter()) }
    }

    /// The names of the documents of a request, as many as its line has.
    pub(super) fn operations<'d>(&self, documents: impl Iterator<Item = &'d Reference>) -> Option<String> {
        join(documents.take(NAMES_LIMIT).map(|document| self.operation(document)))
    }
}

fn join(mut names: impl Iterator<Item = String>) -> Option<String> {
    let mut joined = names.next()?;
    for name in names {
        joined.push(',');
        joined.push_str(&name);
    }
    Some(joined)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |bits: u8| char::from(b"0123456789abcdef"[usize::from(bits & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Grants that remember for which accounts there were some, and for which documents.
pub(super) struct RecordedGrants {
    /// The names of the documents, where a line of the log has them.
    pub(super) operations: OnceLock<String>,
    grants: Arc<dyn Grants>,
    limit: usize,
    accounts: Mutex<HashSet<Account, RandomState>>,
}

impl RecordedGrants {
    /// Those that remember as many as a line of the log has.
    pub(super) fn few(grants: Arc<dyn Grants>) -> Arc<Self> {
        Self::new(grants, NAMES_LIMIT)
    }

    /// Those that remember all; what a request may ask for bounds them.
    pub(super) fn all(grants: Arc<dyn Grants>) -> Arc<Self> {
        Self::new(grants, usize::MAX)
    }

    fn new(grants: Arc<dyn Grants>, limit: usize) -> Arc<Self> {
        Arc::new(Self { operations: OnceLock::new(), grants, limit, accounts: Mutex::default() })
    }

    pub(super) fn accounts(&self) -> MutexGuard<'_, HashSet<Account, RandomState>> {
        self.accounts.lock()
    }
}

impl Grants for RecordedGrants {
    fn grant(&self, argument: Option<Account>) -> Result<Grant, AccessError> {
        let grant = self.grants.grant(argument)?;
        let mut accounts = self.accounts.lock();
        if accounts.len() < self.limit && !accounts.contains(grant.account()) {
            accounts.insert(grant.account().clone());
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
