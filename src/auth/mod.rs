//! Who is asking, and for whose team: request headers become a caller, and caller plus account a grant, or a refusal.
//!
//! The steps: the bearer token (`bearer`) → the caller it makes and the accounts named for them (the modes: `passthrough`,
//! `api_keys`, `jwt`, or anybody) → the account that the headers name (`selection`) → grants, as the request asks for them
//! (`authority`). Argument, headers and configuration only *select* an account; whether the caller may read it is decided
//! here, and nowhere else is a grant minted.

mod accounts;
mod api_keys;
mod authority;
mod bearer;
mod claims;
mod held;
mod jwks;
mod jwt;
mod passthrough;
mod router;
mod scopes;
mod secret;
mod selection;
mod watched;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;

use crate::config::{self, AccountSource};
use crate::model::{Account, Caller, CallerId, Grants, Refusal, Scopes};

use accounts::Accounts;
use api_keys::ApiKeys;
use authority::Authority;
use held::Held;
use jwt::Jwt;
use passthrough::Passthrough;
use router::RouterSecret;

pub use api_keys::{InvalidKey, NewKey};
pub use jwt::InvalidJwt;
pub use secret::Secret;
pub use selection::{EMAIL_HEADER, TYPE_HEADER};
pub use watched::Unusable;

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
    /// The caller shows an API key; the server holds the upstream credential.
    ApiKeys(Box<ApiKeys>),
    /// The caller shows a JWT; the server holds the upstream credential.
    Jwt(Box<Jwt>),
    /// The server holds the upstream credential; being able to connect is all that is asked of a caller.
    Server(Box<Held>),
}

/// A caller who is let in, and the accounts named for them.
struct Admitted {
    caller: Caller,
    accounts: Accounts,
}

/// Why a request has no caller. The texts are for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No token, or not in its place.
    Unauthenticated(&'static str),
    /// A token that is not good.
    Invalid(&'static str),
    /// A token that is good for too little.
    Insufficient(&'static str),
    /// Tokens cannot be told from each other at the moment.
    Unavailable {
        /// When asking again makes sense.
        retry_after: Duration,
    },
    /// What names the account is wrong.
    Refused(Refusal),
}

impl Auth {
    /// Every request carries the upstream credential as its bearer token.
    #[must_use]
    pub fn passthrough(account: &config::Account, default: Option<Account>) -> Self {
        Self::new(Mode::Passthrough(Box::new(Passthrough::new())), account, default)
    }

    /// Every request carries an API key of this file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn api_keys(
        keys: &Path,
        credential: Secret,
        account: &config::Account,
        default: Option<Account>,
    ) -> Result<Self, Unusable> {
        Ok(Self::new(Mode::ApiKeys(Box::new(ApiKeys::open(keys, credential)?)), account, default))
    }

    /// Every request carries a JWT that these settings let in. Needs the runtime, where keys come from a URL.
    ///
    /// # Errors
    /// When the settings are not complete, or a file cannot be read.
    pub fn jwt(
        settings: &config::Jwt,
        credential: Secret,
        account: &config::Account,
        default: Option<Account>,
    ) -> Result<Self, InvalidJwt> {
        Ok(Self::new(Mode::Jwt(Box::new(Jwt::open(settings, credential)?)), account, default))
    }

    /// Every request is served with the credential that the server holds.
    #[must_use]
    pub fn server(credential: Secret, account: &config::Account, default: Option<Account>) -> Self {
        Self::new(Mode::Server(Box::new(Held::new(credential))), account, default)
    }

    fn new(mode: Mode, account: &config::Account, default: Option<Account>) -> Self {
        Self { mode, default, sources: account.sources.clone(), router_secret: None }
    }

    /// From now on, only who shows this secret is taken for a router.
    #[must_use]
    pub fn with_router_secret(self, secret: Secret) -> Self {
        Self { router_secret: Some(RouterSecret::new(secret)), ..self }
    }

    /// Whether a request needs no credential of its own, so that being able to connect is one.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.mode, Mode::Server(_))
    }

    /// The caller that the request's headers make, and what they may do.
    ///
    /// # Errors
    /// [`Denied`] when there is no usable credential, or the account headers are wrong.
    pub async fn authenticate(&self, parts: &Parts) -> Result<Arc<dyn Grants>, Denied> {
        let Admitted { caller, accounts } = match &self.mode {
            Mode::Passthrough(passthrough) => passthrough.admit(parts)?,
            Mode::ApiKeys(keys) => keys.admit(parts)?,
            Mode::Jwt(jwt) => jwt.admit(parts).await?,
            Mode::Server(held) => {
                let caller = Caller { id: CallerId::Anonymous, credential: held.credential(), scopes: Scopes::ALL };
                Admitted { caller, accounts: Accounts::Any }
            }
        };
        if !caller.scopes.team {
            return Err(Denied::Insufficient("reading a team needs the scope team:read"));
        }
        let named = selection::from_headers(&parts.headers).map_err(Denied::Refused)?;
        if named.is_some() && !self.allows(AccountSource::Headers) {
            return Err(Denied::Refused(Refusal::Forbidden("naming an account with headers is switched off here")));
        }
        let authority = Authority {
            caller,
            accounts,
            named,
            configured: self.default.clone(),
            preferred: self.allows(AccountSource::Default),
            argument: self.allows(AccountSource::Argument),
            router: self.router_secret.as_ref().is_none_or(|secret| secret.is_shown(&parts.headers)),
        };
        authority.check_named().map_err(Denied::Refused)?;
        Ok(Arc::new(authority))
    }

    fn allows(&self, source: AccountSource) -> bool {
        self.sources.contains(&source)
    }
}
