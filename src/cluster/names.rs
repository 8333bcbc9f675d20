//! The names of keys in the tier: keyed hashes, so that reading the tier does not tell which account a record is about.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The version of what is kept. Another version is another name, so that two versions of the service share a tier in peace.
const VERSION: u32 = 1;
/// How much of a hash is used.
const HASH_LENGTH: usize = 24;

/// Makes names.
#[derive(Clone)]
pub struct Names {
    key: hmac::Key,
    prefix: String,
}

impl Names {
    pub(super) fn new(secret: &[u8], prefix: &str) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), prefix: prefix.to_owned() }
    }

    /// The name of a record of this kind about these parts.
    #[must_use]
    pub fn of(&self, kind: &str, parts: &[&[u8]]) -> String {
        format!("{}:{VERSION}:{kind}:{}", self.prefix, self.hash(kind, parts))
    }

    /// The name of the one record of this kind.
    #[must_use]
    pub fn single(&self, kind: &str) -> String {
        format!("{}:{VERSION}:{kind}", self.prefix)
    }

    /// A keyed hash of these parts.
    #[must_use]
    pub fn hash(&self, kind: &str, parts: &[&[u8]]) -> String {
        URL_SAFE_NO_PAD.encode(&self.sign(kind, parts).as_ref()[..HASH_LENGTH])
    }

    /// A secret for another purpose, which all replicas have and which says nothing of the one that names are made with.
    #[must_use]
    pub fn secret(&self, purpose: &str) -> [u8; 32] {
        let mut secret = [0; 32];
        secret.copy_from_slice(self.sign("secret", &[purpose.as_bytes()]).as_ref());
        secret
    }

    /// A keyed hash of these parts as a number.
    #[must_use]
    pub fn number(&self, kind: &str, parts: &[&[u8]]) -> u64 {
        let tag = self.sign(kind, parts);
        tag.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn sign(&self, kind: &str, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
            // With its length, so that no two lists of parts are one text.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }
}
