//! Who is asking, and for whose team: request headers become a caller, and caller plus account a grant, or a refusal.
//!
//! Argument, headers and configuration only *select* an account; whether the caller may read it is decided here, and
//! nowhere else is a grant minted.

mod passthrough;
mod router;
mod selection;
mod server;

use std::sync::Arc;

use axum::http::HeaderMap;
use secrecy::SecretString;

use crate::config::{self, AccountSource};
use crate::model::{Account, Caller, CallerId, Credential, Grant, Grants, Refusal, Scopes};

use passthrough::Passthrough;
use router::RouterSecret;
pub use selection::{EMAIL_HEADER, TYPE_HEADER};

/// Turns requests into callers.
pub struct Auth {
    mode: Mode,
    default: Option<Account>,
    sources: Vec<AccountSource>,
    router_secret: Option<RouterSecret>,
}

enum Mode {
    /// The caller's bearer token is the upstream credential.
    Passthrough(Box<Passthrough>),
    /// The server holds the upstream credential; being able to connect is all that is asked of a caller.
    Server(Arc<Credential>),
}

/// Why a request has no caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No credential, or not one that can be used. The text is for the caller.
    Unauthenticated(&'static str),
    /// What names the account is wrong.
    Refused(Refusal),
}

impl Auth {
    /// Every request carries the upstream credential as its bearer token.
    #[must_use]
    pub fn passthrough(account: &config::Account, default: Option<Account>) -> Self {
        Self::new(Mode::Passthrough(Box::new(Passthrough::new())), account, default)
    }

    /// Every request is served with the credential that the server holds.
    #[must_use]
    pub fn server(token: SecretString, account: &config::Account, default: Option<Account>) -> Self {
        Self::new(Mode::Server(server::credential(token)), account, default)
    }

    fn new(mode: Mode, account: &config::Account, default: Option<Account>) -> Self {
        Self { mode, default, sources: account.sources.clone(), router_secret: None }
    }

    /// From now on, only who shows this secret is taken for a router.
    #[must_use]
    pub fn with_router_secret(self, secret: SecretString) -> Self {
        Self { router_secret: Some(RouterSecret::new(secret)), ..self }
    }

    /// Whether a request needs no credential of its own, so that being able to connect is one.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.mode, Mode::Server(_))
    }

    /// The caller that these headers make, and what they may do.
    ///
    /// # Errors
    /// [`Denied`] when there is no usable credential, or the account headers are wrong.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<dyn Grants>, Denied> {
        let caller = match &self.mode {
            Mode::Passthrough(passthrough) => passthrough.caller(headers)?,
            Mode::Server(credential) => {
                Caller { id: CallerId::Anonymous, credential: credential.clone(), scopes: Scopes::ALL }
            }
        };
        let named = selection::from_headers(headers).map_err(Denied::Refused)?;
        if named.is_some() && !self.allows(AccountSource::Headers) {
            return Err(Denied::Refused(Refusal::Forbidden("naming an account with headers is switched off here")));
        }
        Ok(Arc::new(Authority {
            caller,
            named,
            default: self.default.clone().filter(|_| self.allows(AccountSource::Default)),
            argument: self.allows(AccountSource::Argument),
            router: self.router_secret.as_ref().is_none_or(|secret| secret.is_shown(headers)),
        }))
    }

    fn allows(&self, source: AccountSource) -> bool {
        self.sources.contains(&source)
    }
}

/// One request's right to grants.
struct Authority {
    caller: Caller,
    /// The account that the request's headers name.
    named: Option<Account>,
    /// The account that the configuration names, where it may.
    default: Option<Account>,
    /// Whether an argument may name one.
    argument: bool,
    router: bool,
}

impl Grants for Authority {
    fn grant(&self, argument: Option<Account>) -> Result<Grant, Refusal> {
        if !self.caller.scopes.team {
            return Err(Refusal::Forbidden("reading a team needs the scope team:read"));
        }
        let account = match (argument, &self.named) {
            (Some(_), _) if !self.argument => {
                return Err(Refusal::Forbidden("naming an account with an argument is switched off here"));
            }
            (Some(argument), Some(named)) if argument != *named => {
                return Err(Refusal::Forbidden("the argument and the headers name different accounts"));
            }
            (Some(account), _) => account,
            (None, Some(named)) => named.clone(),
            (None, None) => self.default.clone().ok_or(Refusal::AccountRequired)?,
        };
        Ok(Grant::mint(self.caller.clone(), account))
    }

    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn is_router(&self) -> bool {
        self.router
    }
}
