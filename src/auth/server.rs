//! The credential that the server holds.

use std::sync::Arc;

use secrecy::SecretString;

use crate::model::{Credential, CredentialId};

pub(super) fn credential(token: SecretString) -> Arc<Credential> {
    Arc::new(Credential::new(CredentialId::Held("server".into()), token))
}
