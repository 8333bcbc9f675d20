//! The authentication error: why a request has no caller, in words for the caller.

use std::time::Duration;

use crate::model::AccessError;

/// Why a request has no caller. The texts are for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthError {
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
    Refused(AccessError),
}
