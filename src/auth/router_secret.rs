//! The router secret: a shared secret that routers send to read the subgraph's SDL.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderMap, HeaderName};
use secrecy::ExposeSecret;

use super::Secret;

/// Carries the secret.
static HEADER: HeaderName = HeaderName::from_static("x-flowmatix-router-secret");

pub(super) struct RouterSecret(Secret);

impl RouterSecret {
    pub(super) fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Whether the request carries the secret exactly once.
    pub(super) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(&HEADER).iter();
        let (Some(shown), None) = (values.next(), values.next()) else { return false };
        // Digests are compared, so that timing does not reveal the length.
        let digest = |bytes: &[u8]| digest(&SHA256, bytes);
        let known = digest(self.0.get().expose_secret().as_bytes());
        verify_slices_are_equal(digest(shown.as_bytes()).as_ref(), known.as_ref()).is_ok()
    }
}
