//! A permanent token: a credential that the upstream issues for an account. It is passed on once and kept nowhere.

use secrecy::SecretString;

/// A permanent token, as the upstream issued it. Debug hides it.
#[derive(Clone, Debug)]
pub struct PermanentToken {
    /// The token itself.
    pub key: SecretString,
    /// Whether it can be used, where the upstream says so.
    pub active: Option<bool>,
}
