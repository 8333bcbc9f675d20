//! The upstream credential that the server holds for all callers: one id, whose secret can be rotated.

use std::sync::Arc;

use parking_lot::RwLock;
use secrecy::{ExposeSecret, SecretString};

use super::secret::Secret;
use crate::model::{Credential, CredentialId};

/// The credential's identity, independent of its secret.
pub const SERVER_CREDENTIAL: &str = "server";

pub(super) struct ServerCredential {
    secret: Secret,
    current: RwLock<CurrentCredential>,
}

struct CurrentCredential {
    secret: Arc<SecretString>,
    credential: Arc<Credential>,
}

impl ServerCredential {
    pub(super) fn new(secret: Secret) -> Self {
        let now = secret.get();
        let credential =
            Arc::new(Credential::new(CredentialId::Held(SERVER_CREDENTIAL.into()), SecretString::clone(&now)));
        Self { secret, current: RwLock::new(CurrentCredential { secret: now, credential }) }
    }

    /// Goes on from the credential of an earlier configuration: where the secret is another one, it is a rotated one.
    pub(super) fn succeed(&self, former: &Self) {
        let former = former.credential();
        let mut current = self.current.write();
        let same = current.secret.expose_secret() == former.token().expose_secret();
        let rotated = || Arc::new(former.rotated(SecretString::clone(&current.secret)));
        current.credential = if same { former.clone() } else { rotated() };
    }

    /// The credential with the secret that it has now.
    pub(super) fn credential(&self) -> Arc<Credential> {
        let secret = self.secret.get();
        {
            let current = self.current.read();
            if Arc::ptr_eq(&current.secret, &secret) {
                return current.credential.clone();
            }
        }
        let mut current = self.current.write();
        if !Arc::ptr_eq(&current.secret, &secret) {
            let credential = Arc::new(current.credential.rotated(SecretString::clone(&secret)));
            *current = CurrentCredential { secret, credential };
        }
        current.credential.clone()
    }
}
