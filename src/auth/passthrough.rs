//! Passthrough mode: the request's bearer token is the upstream credential. Only the vendor can validate it.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::http::request::Parts;
use secrecy::SecretString;

use super::accounts::AllowedAccounts;
use super::admitted::Admitted;
use super::bearer::bearer;
use super::error::AuthError;
use crate::model::{Caller, CallerId, CallerLimits, Credential, CredentialId, IdentityHash, Scopes};

#[derive(Clone)]
pub(super) struct Passthrough {
    /// Random in every process, or a secret of the replicas', so that a credential id reveals nothing about the token.
    identity_key: hmac::Key,
}

impl Passthrough {
    pub(super) fn new() -> Self {
        let mut seed = [0; 32];
        // Without randomness the ids are still one-way and distinct.
        let _ = getrandom::fill(&mut seed);
        Self { identity_key: hmac::Key::new(hmac::HMAC_SHA256, &seed) }
    }

    /// With a secret that other replicas have, too.
    pub(super) fn sharing(secret: &[u8; 32]) -> Self {
        Self { identity_key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    pub(super) fn admit(&self, parts: &Parts) -> Result<Admitted, AuthError> {
        let token = bearer(parts, "send the Flowmatix access token as `Authorization: Bearer …`")?;
        let identity = self.identity(token);
        let credential = Credential::new(CredentialId::Forwarded(identity), SecretString::from(token));
        // The vendor decides which accounts the token can read.
        let caller = Caller { id: CallerId::Token(identity), credential: Arc::new(credential), scopes: Scopes::ALL };
        Ok(Admitted { caller, accounts: AllowedAccounts::Any, limits: CallerLimits::default() })
    }

    /// The identity of a token.
    pub(super) fn credential_id(&self, token: &str) -> CredentialId {
        CredentialId::Forwarded(self.identity(token))
    }

    fn identity(&self, token: &str) -> IdentityHash {
        let mut identity = [0; 32];
        identity.copy_from_slice(hmac::sign(&self.identity_key, token.as_bytes()).as_ref());
        IdentityHash(identity)
    }
}
