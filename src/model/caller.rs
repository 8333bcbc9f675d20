//! Callers, their upstream credentials, and the grants that join a caller and an account.
//!
//! Caller and credential are two things: many callers may share a credential that the server holds, and each of them has
//! rates, a fair share of the budget and scopes of their own.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use secrecy::SecretString;

use super::{Account, CallerLimits};

/// A cryptographic hash that a caller or a credential is known by. Tables hash its first eight bytes alone, which are as random
/// as all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdentityHash(pub [u8; 32]);

impl Hash for IdentityHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        state.write_u64(u64::from_ne_bytes(first));
    }
}

/// The identity of an upstream credential, without its secret: part of every key under which a roster is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum CredentialId {
    /// A caller's own token: a keyed hash of it, different in every process, or in every cluster of replicas.
    Forwarded(IdentityHash),
    /// One that the server holds: its configured name, so that a rotated secret keeps its rosters.
    Held(Arc<str>),
}

/// Without the kind: tables of requests hash it several times each, and names hardly ever are hashes.
impl Hash for CredentialId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Forwarded(hash) => hash.hash(state),
            Self::Held(name) => name.hash(state),
        }
    }
}

impl CredentialId {
    /// Kind and name, to be hashed.
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 2] {
        match self {
            Self::Held(name) => [b"held", name.as_bytes()],
            Self::Forwarded(IdentityHash(hash)) => [b"forwarded", hash],
        }
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forwarded(_) => f.write_str("forwarded"),
            Self::Held(name) => write!(f, "held:{name}"),
        }
    }
}

/// The token that the upstream is called with.
#[derive(Debug)]
pub struct Credential {
    id: CredentialId,
    token: SecretString,
    /// How many secrets it has had before this one.
    version: u64,
}

impl Credential {
    /// A credential known by `id`.
    #[must_use]
    pub fn new(id: CredentialId, token: SecretString) -> Self {
        Self { id, token, version: 0 }
    }

    /// The same credential with a new secret.
    #[must_use]
    pub fn rotated(&self, token: SecretString) -> Self {
        Self { id: self.id.clone(), token, version: self.version + 1 }
    }

    /// The credential's identity.
    #[must_use]
    pub fn id(&self) -> &CredentialId {
        &self.id
    }

    /// Tells its secrets apart: a later one has a greater version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The secret, for the one place that sends it.
    #[must_use]
    pub fn token(&self) -> &SecretString {
        &self.token
    }
}

/// The identity of a caller, without its credential: rates and shares of the budget belong to it.
#[derive(Clone, PartialEq, Eq)]
pub enum CallerId {
    /// An unauthenticated caller.
    Anonymous,
    /// A caller with an upstream token: a keyed hash of it, different in every process.
    Token(IdentityHash),
    /// A caller with an API key: the key's public identifier.
    Key(Arc<str>),
    /// Whose client certificate is known: the name in its entry.
    Certificate(Arc<str>),
    /// Whom a JWT names: a hash of issuer and subject.
    Subject(IdentityHash),
}

/// Without the kind, as credentials.
impl Hash for CallerId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Anonymous => {}
            Self::Token(hash) | Self::Subject(hash) => hash.hash(state),
            Self::Key(name) | Self::Certificate(name) => name.hash(state),
        }
    }
}

impl fmt::Debug for CallerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Token(_) => f.write_str("token"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::Certificate(name) => write!(f, "certificate:{name}"),
            Self::Subject(_) => f.write_str("subject"),
        }
    }
}

/// The permissions of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scopes {
    /// `team:read`: teams, without contact data. There is no grant without it.
    pub team: bool,
    /// `team:contact:read`: e-mail addresses and phone numbers.
    pub contact: bool,
    /// `team:token:issue`: permanent tokens of the upstream.
    pub token: bool,
}

impl Scopes {
    /// Everything.
    pub const ALL: Self = Self { team: true, contact: true, token: true };
    /// Nothing.
    pub const NONE: Self = Self { team: false, contact: false, token: false };
}

/// The authenticated client of a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The caller's identity.
    pub id: CallerId,
    /// The credential for upstream calls on this caller's behalf.
    pub credential: Arc<Credential>,
    /// The scopes of the caller.
    pub scopes: Scopes,
}

/// The right of a caller to read an account's team. Minted by `auth` alone (a test holds that), before store or upstream
/// are touched.
#[derive(Clone, Debug)]
pub struct Grant {
    caller: Caller,
    key: RosterKey,
}

/// The key of a roster: a caller with another credential cannot find it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RosterKey {
    /// The credential's identity.
    pub credential: CredentialId,
    /// Whose team.
    pub account: Account,
}

impl Grant {
    /// Joins caller and account, once `auth` has decided.
    #[must_use]
    pub fn mint(caller: Caller, account: Account) -> Self {
        let credential = caller.credential.id().clone();
        Self { caller, key: RosterKey { credential, account } }
    }

    /// The caller of the request.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whose team.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.key.account
    }

    /// Under what the roster is kept.
    #[must_use]
    pub fn key(&self) -> &RosterKey {
        &self.key
    }
}

/// Decides, for one request, which account is meant and whether its caller may read it.
pub trait Grants: Send + Sync {
    /// A grant for the account an argument names, or without one for the request's own.
    ///
    /// # Errors
    /// A [`AccessError`] when no account is named, two are, or the caller may not read it.
    fn grant(&self, argument: Option<Account>) -> Result<Grant, AccessError>;

    /// The request's own account, where it has one and its caller may read it. Nothing is read by asking.
    fn own_account(&self) -> Option<Account> {
        self.grant(None).ok().map(|grant| grant.account().clone())
    }

    /// The caller of the request.
    fn caller(&self) -> &Caller;

    /// The caller's own limits.
    fn limits(&self) -> CallerLimits {
        CallerLimits::default()
    }

    /// Whether the caller is a router: whether the request has shown the secret that routers share, where one is asked for.
    fn is_router(&self) -> bool;
}

/// Why there is no grant. The texts are for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// Nothing names an account.
    #[error("no account: name one with the `account` argument or the headers x-flowmatix-email and x-flowmatix-type")]
    AccountRequired,
    /// The caller may not.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The account argument or header is invalid.
    #[error("{0}")]
    BadInput(&'static str),
}
