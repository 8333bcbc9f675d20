//! Passthrough: the request's bearer token is the upstream credential. Only the vendor can say whether it is good.

use std::sync::Arc;

use aws_lc_rs::{hmac, rand};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use secrecy::SecretString;

use super::Denied;
use crate::model::{Caller, CallerId, Credential, CredentialId, Scopes};

/// The longest token that is forwarded, in bytes.
const TOKEN_LIMIT: usize = 8 << 10;

pub(super) struct Passthrough {
    /// Made anew in every process, so that an identity says nothing about the token outside it.
    identity_key: hmac::Key,
}

impl Passthrough {
    pub(super) fn new() -> Self {
        let mut seed = [0; 32];
        // Without randomness the identities would still be one-way, and differ from each other.
        let _ = rand::fill(&mut seed);
        Self { identity_key: hmac::Key::new(hmac::HMAC_SHA256, &seed) }
    }

    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Caller, Denied> {
        let token = bearer(headers)?;
        let mut identity = [0; 32];
        identity.copy_from_slice(hmac::sign(&self.identity_key, token.as_bytes()).as_ref());
        let credential = Credential::new(CredentialId::Forwarded(identity), SecretString::from(token));
        // What the token opens, the vendor decides.
        Ok(Caller { id: CallerId::Token(identity), credential: Arc::new(credential), scopes: Scopes::ALL })
    }
}

/// The one bearer token of the request (RFC 6750, 2.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Denied> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => {
            return Err(Denied::Unauthenticated("send the Flowmatix access token as `Authorization: Bearer …`"));
        }
        (Some(_), Some(_)) => {
            return Err(Denied::Unauthenticated("send one Authorization header, not several"));
        }
        (Some(value), None) => value,
    };
    let malformed = Denied::Unauthenticated("the Authorization header is not `Bearer` and a token");
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(malformed.clone())?;
    let token = token.trim_matches(' ');
    let fits = !token.is_empty()
        && token.len() <= TOKEN_LIMIT
        && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b));
    if scheme.eq_ignore_ascii_case("bearer") && fits { Ok(token) } else { Err(malformed) }
}
