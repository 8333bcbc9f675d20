//! The admin secret: what a request to the admin port has to show before it may change anything.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use secrecy::ExposeSecret;

use super::Secret;
use super::error::AuthError;

/// The secret of the admin port.
pub struct AdminSecret(Secret);

impl AdminSecret {
    /// With this secret.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Checks that the request carries the secret as its one bearer token.
    ///
    /// # Errors
    /// [`AuthError`] when it carries none, or another.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), AuthError> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(AuthError::Unauthenticated("send the admin secret as `Authorization: Bearer …`"));
        };
        let value = value.as_bytes();
        let shown = match value.split_at_checked(7) {
            Some((scheme, shown)) if scheme.eq_ignore_ascii_case(b"bearer ") => shown,
            _ => return Err(AuthError::Unauthenticated("the Authorization header is not `Bearer` and a secret")),
        };
        // Digests are compared, so that timing does not reveal the length.
        let known = self.0.get();
        let (shown, known) = (digest(&SHA256, shown), digest(&SHA256, known.expose_secret().as_bytes()));
        verify_slices_are_equal(shown.as_ref(), known.as_ref())
            .map_err(|_| AuthError::Invalid("this is not the admin secret"))
    }
}
