//! A secret of the server: a fixed value, or a file that is reloaded.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use super::reloading_file::{ReloadingFile, Unusable};

/// A secret and its source.
pub struct Secret(SecretSource);

enum SecretSource {
    Fixed(Arc<SecretString>),
    File(ReloadingFile<SecretString>),
}

impl Secret {
    /// A secret in a file that is reloaded when it changes.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no secret. The secret is in no message.
    pub fn file(setting: &'static str, path: &Path) -> Result<Self, Unusable> {
        ReloadingFile::open(setting, path, parse).map(|file| Self(SecretSource::File(file)))
    }

    /// A fixed secret.
    ///
    /// # Errors
    /// When the secret is invalid. The message does not contain it.
    pub fn fixed(text: &str) -> Result<Self, String> {
        parse(text).map(Self::from)
    }

    /// The current value. An unchanged secret is the same allocation.
    #[must_use]
    pub fn get(&self) -> Arc<SecretString> {
        match &self.0 {
            SecretSource::Fixed(secret) => secret.clone(),
            SecretSource::File(file) => file.get(),
        }
    }
}

impl From<SecretString> for Secret {
    fn from(secret: SecretString) -> Self {
        Self(SecretSource::Fixed(Arc::new(secret)))
    }
}

fn parse(text: &str) -> Result<SecretString, String> {
    let secret = text.trim();
    if secret.is_empty() || !secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("there is no secret, which is one line of printable characters without spaces".to_owned());
    }
    Ok(SecretString::from(secret))
}
