//! Authenticates requests: request headers become a caller, and a caller with an account becomes a grant or an error.
//!
//! The steps: read the bearer token (`bearer`) → find its caller and accounts (the modes: `passthrough`,
//! `api_keys`, `certificates`, `jwt`, or server) → read the account headers (`account_headers`) → create grants on demand
//! (`request_authorizer`). Argument, headers and configuration only *select* an account; whether the caller may read it is
//! decided here, and no other module creates a grant.

use super::account_headers;
use super::admitted::Admitted;
use super::error::AuthError;
use super::jwt::InvalidJwt;
use super::reloading_file::Unusable;
use super::secret::Secret;
use std::path::Path;
use std::sync::Arc;

use axum::http::request::Parts;

use crate::config;
use crate::config::AccountSource;
use crate::model::{AccessError, Account, Caller, CallerId, CallerLimits, CredentialId, Grants, Scopes};
use crate::telemetry::Metrics;

use super::accounts::AllowedAccounts;
use super::api_keys::ApiKeys;
use super::certificates::Certificates;
use super::jwt::Jwt;
use super::passthrough::Passthrough;
use super::request_authorizer::RequestAuthorizer;
use super::router_secret::RouterSecret;
use super::server_credential::{SERVER_CREDENTIAL, ServerCredential};

/// Authenticates requests in the configured mode.
pub struct Authenticator {
    mode: AuthMethod,
    default: Option<Account>,
    sources: Vec<AccountSource>,
    router_secret: Option<RouterSecret>,
}

enum AuthMethod {
    /// The caller's bearer token is the upstream credential.
    Passthrough(Box<Passthrough>),
    /// The caller shows an API key; the server holds the upstream credential.
    ApiKeys(Box<ApiKeys>),
    /// The caller shows a JWT; the server holds the upstream credential.
    Jwt(Box<Jwt>),
    /// The connection shows a client certificate; the server holds the upstream credential.
    Mtls(Box<Certificates>),
    /// The server holds the upstream credential; callers are not authenticated.
    Server(Box<ServerCredential>),
}

impl AuthMethod {
    /// The credential that the server holds.
    fn held(&self) -> Option<&ServerCredential> {
        match self {
            Self::Passthrough(_) => None,
            Self::ApiKeys(keys) => Some(&keys.held),
            Self::Jwt(jwt) => Some(&jwt.held),
            Self::Mtls(certificates) => Some(&certificates.held),
            Self::Server(held) => Some(held),
        }
    }
}

impl Authenticator {
    /// Every request carries the upstream credential as its bearer token.
    #[must_use]
    pub fn passthrough(account: &config::AccountConfig, default: Option<Account>) -> Self {
        Self::new(AuthMethod::Passthrough(Box::new(Passthrough::new())), account, default)
    }

    /// Every request carries an API key of this file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn api_keys(
        keys: &Path,
        credential: Secret,
        account: &config::AccountConfig,
        default: Option<Account>,
    ) -> Result<Self, Unusable> {
        Ok(Self::new(AuthMethod::ApiKeys(Box::new(ApiKeys::open(keys, credential)?)), account, default))
    }

    /// Every request carries a JWT that these settings accept. Needs a Tokio runtime when the keys come from a URL.
    ///
    /// # Errors
    /// When the settings are not complete, or a file cannot be read.
    pub fn jwt(
        settings: &config::JwtConfig,
        credential: Secret,
        account: &config::AccountConfig,
        default: Option<Account>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, InvalidJwt> {
        Ok(Self::new(AuthMethod::Jwt(Box::new(Jwt::open(settings, credential, metrics)?)), account, default))
    }

    /// Every request comes over a connection with a client certificate of this file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn certificates(
        certificates: &Path,
        credential: Secret,
        account: &config::AccountConfig,
        default: Option<Account>,
    ) -> Result<Self, Unusable> {
        Ok(Self::new(AuthMethod::Mtls(Box::new(Certificates::open(certificates, credential)?)), account, default))
    }

    /// Every request is served with the credential that the server holds.
    #[must_use]
    pub fn server(credential: Secret, account: &config::AccountConfig, default: Option<Account>) -> Self {
        Self::new(AuthMethod::Server(Box::new(ServerCredential::new(credential))), account, default)
    }

    fn new(mode: AuthMethod, account: &config::AccountConfig, default: Option<Account>) -> Self {
        Self { mode, default, sources: account.sources.clone(), router_secret: None }
    }

    /// Goes on from the authenticator of an earlier configuration in the same mode: who was known by an id is known by the same
    /// one, so that rosters, rates and ledgers stay theirs.
    #[must_use]
    pub fn succeeding(mut self, former: &Self) -> Self {
        match (&mut self.mode, &former.mode) {
            (AuthMethod::Passthrough(new), AuthMethod::Passthrough(old)) => *new = old.clone(),
            (AuthMethod::Jwt(new), AuthMethod::Jwt(old)) => new.succeed(old),
            (new, old) => {
                if let (Some(new), Some(old)) = (new.held(), old.held()) {
                    new.succeed(old);
                }
            }
        }
        self
    }

    /// Treats only requests with this secret as a router's.
    #[must_use]
    pub fn with_router_secret(self, secret: Secret) -> Self {
        Self { router_secret: Some(RouterSecret::new(secret)), ..self }
    }

    /// Knows callers' own tokens by the same identities as other replicas, which have the secret as well.
    #[must_use]
    pub fn sharing_identities(mut self, secret: &[u8; 32]) -> Self {
        if let AuthMethod::Passthrough(passthrough) = &mut self.mode {
            **passthrough = Passthrough::sharing(secret);
        }
        self
    }

    /// Whether requests need no credential.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.mode, AuthMethod::Server(_))
    }

    /// The credential that an operator names: in mode `passthrough` by the token itself, otherwise the one that the server holds.
    #[must_use]
    pub fn credential(&self, name: &str) -> Option<CredentialId> {
        match &self.mode {
            AuthMethod::Passthrough(passthrough) => Some(passthrough.credential_id(name)),
            _ => (name == SERVER_CREDENTIAL).then(|| CredentialId::Held(SERVER_CREDENTIAL.into())),
        }
    }

    /// Authenticates the request and returns what its caller may do.
    ///
    /// # Errors
    /// [`AuthError`] when there is no valid credential, or the account headers are invalid.
    pub async fn authenticate(&self, parts: &Parts) -> Result<Arc<dyn Grants>, AuthError> {
        let Admitted { caller, accounts, limits } = match &self.mode {
            AuthMethod::Passthrough(passthrough) => passthrough.admit(parts)?,
            AuthMethod::ApiKeys(keys) => keys.admit(parts)?,
            AuthMethod::Jwt(jwt) => jwt.admit(parts).await?,
            AuthMethod::Mtls(certificates) => certificates.admit(parts)?,
            AuthMethod::Server(held) => {
                let caller = Caller { id: CallerId::Anonymous, credential: held.credential(), scopes: Scopes::ALL };
                Admitted { caller, accounts: AllowedAccounts::Any, limits: CallerLimits::default() }
            }
        };
        if !caller.scopes.team {
            return Err(AuthError::Insufficient("reading a team needs the scope team:read"));
        }
        let named = account_headers::from_headers(&parts.headers).map_err(AuthError::Refused)?;
        if named.is_some() && !self.allows(AccountSource::Headers) {
            return Err(AuthError::Refused(AccessError::Forbidden(
                "naming an account with headers is switched off here",
            )));
        }
        let authority = RequestAuthorizer {
            caller,
            accounts,
            limits,
            named,
            configured: self.default.clone(),
            preferred: self.allows(AccountSource::Default),
            argument: self.allows(AccountSource::Argument),
            router: self.router_secret.as_ref().is_none_or(|secret| secret.is_shown(&parts.headers)),
        };
        authority.check_named().map_err(AuthError::Refused)?;
        Ok(Arc::new(authority))
    }

    fn allows(&self, source: AccountSource) -> bool {
        self.sources.contains(&source)
    }
}
