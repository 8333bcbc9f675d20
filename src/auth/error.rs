//! The authentication error: why a request has no caller, in words for the caller.

use std::time::Duration;

use crate::model::AccessError;

/// Why a request was not authenticated. The messages are for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// There is no token, or it is not in the `Authorization` header.
    Unauthenticated(&'static str),
    /// The connection has no client certificate, or one that names no caller.
    NoCertificate(&'static str),
    /// The token is not valid.
    Invalid(&'static str),
    /// The token lacks a scope.
    Insufficient(&'static str),
    /// Tokens cannot be verified now.
    Unavailable {
        /// When to retry.
        retry_after: Duration,
    },
    /// The account selection is invalid.
    Refused(AccessError),
}

impl AuthError {
    /// The reason as metrics name it.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "missing",
            Self::NoCertificate(_) => "certificate",
            Self::Invalid(_) => "invalid",
            Self::Insufficient(_) => "scope",
            Self::Unavailable { .. } => "no_keys",
            Self::Refused(_) => "account",
        }
    }
}
