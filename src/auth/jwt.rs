//! JWT mode: a request carries a token that the issuer signed; its claims hold the caller's accounts and scopes.
//!
//! The steps: the token's form and header (`claims`) → the issuer's key for exactly this algorithm (`jwks`) → signature,
//! `iss`, `aud`, `exp`, `nbf` (jsonwebtoken) → caller id, scopes, accounts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use axum::http::request::Parts;
use jsonwebtoken::crypto::verify;
use serde::Deserialize;

use super::Secret;
use super::accounts::{AllowedAccounts, WrittenAccount};
use super::admitted::Admitted;
use super::bearer::bearer;
use super::claims::{Claims, JwtHeader, OneOrMany};
use super::error::AuthError;
use super::jwks::{Jwks, NoKey};
use super::reloading_file::{ReloadingFile, Unusable};
use super::scopes;
use super::server_credential::ServerCredential;
use super::written_limits::WrittenLimits;
use crate::config;
use crate::model::{AccessError, Account, Caller, CallerId, CallerLimits, Clock, IdentityHash};
use crate::telemetry::Metrics;

pub(super) struct Jwt {
    jwks: Jwks,
    issuer: String,
    audience: String,
    leeway: Duration,
    lifetime_limit: Duration,
    scope_claim: String,
    account_claim: String,
    limits_claim: Option<String>,
    /// Accounts by the account claim's value; without this table, the claim itself holds accounts.
    accounts: Option<ReloadingFile<HashMap<String, Arc<[Account]>>>>,
    pub(super) held: ServerCredential,
}

/// The JWT settings are incomplete or invalid.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum InvalidJwt {
    #[error("jwt.issuer, jwt.audience, and one of jwt.jwks_url and jwt.jwks_file must be set")]
    Incomplete,
    #[error(transparent)]
    File(#[from] Unusable),
    #[error("jwt.jwks_url: no client can be made")]
    Client(#[source] reqwest::Error),
}

impl Jwt {
    pub(super) fn open(
        settings: &config::JwtConfig,
        credential: Secret,
        metrics: Arc<Metrics>,
    ) -> Result<Self, InvalidJwt> {
        let jwks = match (&settings.jwks_url, &settings.jwks_file) {
            (Some(url), None) => Jwks::url(url, settings, metrics).map_err(InvalidJwt::Client)?,
            (None, Some(path)) => Jwks::file(path)?,
            _ => return Err(InvalidJwt::Incomplete),
        };
        let accounts = settings.accounts_file.as_deref();
        Ok(Self {
            jwks,
            issuer: settings.issuer.clone().ok_or(InvalidJwt::Incomplete)?,
            audience: settings.audience.clone().ok_or(InvalidJwt::Incomplete)?,
            leeway: settings.leeway,
            lifetime_limit: settings.lifetime_limit,
            scope_claim: settings.scope_claim.clone(),
            account_claim: settings.account_claim.clone(),
            limits_claim: settings.limits_claim.clone(),
            accounts: accounts.map(|path| ReloadingFile::open("jwt.accounts_file", path, read_accounts)).transpose()?,
            held: ServerCredential::new(credential),
        })
    }

    /// Goes on with the keys and the credential of an earlier configuration, where they are from the same places.
    pub(super) fn succeed(&self, former: &Self) {
        self.jwks.succeed(&former.jwks);
        self.held.succeed(&former.held);
    }

    pub(super) async fn admit(&self, parts: &Parts) -> Result<Admitted, AuthError> {
        let token = bearer(parts, "send a JWT as `Authorization: Bearer …`")?;
        let claims = self.verify(token).await?;
        let subject: Option<String> = claims.get("sub").map_err(|()| unreadable("sub"))?;
        let subject = subject.filter(|subject| !subject.is_empty()).ok_or(unreadable("sub"))?;
        let names =
            claims.names(&self.scope_claim).map_err(|()| AuthError::Invalid("the token's scopes cannot be read"))?;
        let caller = Caller {
            id: self.id(&subject),
            credential: self.held.credential(),
            scopes: scopes::pick(names.iter().map(String::as_str)),
        };
        Ok(Admitted { caller, accounts: self.accounts(&claims)?, limits: self.limits(&claims)? })
    }

    /// The claims of a valid token.
    async fn verify(&self, token: &str) -> Result<Claims, AuthError> {
        let header = JwtHeader::of(token).map_err(AuthError::Invalid)?;
        let key = self.jwks.key(header.key.as_deref(), &header.algorithm).await.map_err(|reason| match reason {
            NoKey::Unknown => AuthError::Invalid("the token is signed with a key, or in a way, that is not known here"),
            NoKey::NoKeys(retry_after) => AuthError::Unavailable { retry_after },
        })?;
        let (message, signature) = token.rsplit_once('.').ok_or(AuthError::Invalid("the token is not a JWT"))?;
        // Not jsonwebtoken's `decode`: that reads the header for itself, and does not know `Ed25519` (RFC 9864).
        if !verify(signature, message.as_bytes(), &key.key, key.algorithm).unwrap_or(false) {
            return Err(AuthError::Invalid("the token's signature is wrong"));
        }
        let claims = Claims::of(message).map_err(AuthError::Invalid)?;
        self.check(&claims)?;
        Ok(claims)
    }

    /// Whether a signed token is meant for this service, and good now.
    fn check(&self, claims: &Claims) -> Result<(), AuthError> {
        let missing = AuthError::Invalid("the token has no readable `exp`, `iss` or `aud`");
        let issuer: Option<String> = claims.get("iss").map_err(|()| missing.clone())?;
        if issuer.ok_or(missing.clone())? != self.issuer {
            return Err(AuthError::Invalid("the token's issuer is not the one expected here"));
        }
        let audience: Option<OneOrMany<String>> = claims.get("aud").map_err(|()| missing.clone())?;
        let is_for_us = match audience.ok_or(missing.clone())? {
            OneOrMany::One(audience) => audience == self.audience,
            OneOrMany::Many(audiences) => audiences.contains(&self.audience),
        };
        if !is_for_us {
            return Err(AuthError::Invalid("the token is meant for another audience"));
        }
        let now = Clock::since_epoch();
        let end: Option<f64> = claims.get("exp").map_err(|()| missing.clone())?;
        let end = end.ok_or(missing)?;
        if end < now.saturating_sub(self.leeway).as_secs_f64() {
            return Err(AuthError::Invalid("the token has expired"));
        }
        if end > (now + self.lifetime_limit + self.leeway).as_secs_f64() {
            return Err(AuthError::Invalid("the token is good for longer than allowed here"));
        }
        let start: Option<f64> = claims.get("nbf").map_err(|()| unreadable("nbf"))?;
        if start.is_some_and(|start| start > (now + self.leeway).as_secs_f64()) {
            return Err(AuthError::Invalid("the token is not good yet"));
        }
        Ok(())
    }

    /// The caller's id: a hash of issuer and subject, the same for every token of that subject.
    fn id(&self, subject: &str) -> CallerId {
        let mut hash = Context::new(&SHA256);
        hash.update(self.issuer.as_bytes());
        hash.update(&[0]);
        hash.update(subject.as_bytes());
        let mut id = [0; 32];
        id.copy_from_slice(hash.finish().as_ref());
        CallerId::Subject(IdentityHash(id))
    }

    /// The caller's own limits, where the token says some. A token whose claim has another form is refused.
    fn limits(&self, claims: &Claims) -> Result<CallerLimits, AuthError> {
        let wrong = AuthError::Invalid("the token's limits cannot be read");
        let Some(name) = &self.limits_claim else { return Ok(CallerLimits::default()) };
        let written: Option<WrittenLimits> = claims.get(name).map_err(|()| wrong.clone())?;
        written.map_or(Ok(CallerLimits::default()), |written| written.read().ok_or(wrong))
    }

    /// The accounts that the token lists. A token without the claim is for the default account; one with an invalid
    /// claim has no accounts.
    fn accounts(&self, claims: &Claims) -> Result<AllowedAccounts, AuthError> {
        let none = || AuthError::Refused(AccessError::Forbidden("the token names no account that is known here"));
        let Some(map) = &self.accounts else {
            let claim: Option<OneOrMany<WrittenAccount>> = claims.get(&self.account_claim).map_err(|()| none())?;
            return match claim {
                None => Ok(AllowedAccounts::Default),
                Some(OneOrMany::One(written)) => WrittenAccount::read_all(&[written]).ok_or_else(none),
                Some(OneOrMany::Many(list)) => WrittenAccount::read_all(&list).ok_or_else(none),
            };
        };
        let claim: Option<OneOrMany<String>> = claims.get(&self.account_claim).map_err(|()| none())?;
        let names = match claim {
            None => return Ok(AllowedAccounts::Default),
            Some(OneOrMany::One(name)) => vec![name],
            Some(OneOrMany::Many(names)) => names,
        };
        let known = map.get();
        let accounts: Vec<Account> =
            names.iter().filter_map(|name| known.get(name)).flat_map(|of| of.iter().cloned()).collect();
        if accounts.is_empty() { Err(none()) } else { Ok(AllowedAccounts::Named(accounts.into())) }
    }
}

fn unreadable(claim: &'static str) -> AuthError {
    AuthError::Invalid(match claim {
        "sub" => "the token has no readable `sub`",
        _ => "the token has no readable `exp`, `iss` or `aud`",
    })
}

fn read_accounts(text: &str) -> Result<HashMap<String, Arc<[Account]>>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct AccountsFile {
        accounts: HashMap<String, Vec<WrittenAccount>>,
    }

    let file: AccountsFile = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
        format!("line {line}: expected a list of `email` and `type` for each text under [accounts]")
    })?;
    let mut known = HashMap::new();
    for (name, list) in file.accounts {
        let accounts: Option<Arc<[Account]>> = list.iter().map(WrittenAccount::read).collect();
        let accounts =
            accounts.ok_or("an account is not a valid e-mail address with AGENT, CUSTOM_USER or CUSTOMER")?;
        known.insert(name, accounts);
    }
    Ok(known)
}
