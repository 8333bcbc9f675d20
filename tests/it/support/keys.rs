//! A file of API keys, and the keys.

use flowmatix_graphql::auth::NewKey;
use flowmatix_graphql::demo::{ACCOUNTS, DemoAccount};
use flowmatix_graphql::model::Scopes;
use secrecy::ExposeSecret;

use super::TempFile;

pub struct Keys {
    pub file: TempFile,
    keys: Vec<String>,
}

impl Keys {
    /// A key for each: its name, the sample's accounts that it names, and whether it may read contact data.
    pub fn new(wanted: &[(&str, &[usize], bool)]) -> Self {
        let (keys, entries): (Vec<_>, Vec<_>) =
            wanted.iter().map(|(name, places, contact)| make(name, places, *contact)).unzip();
        Self { file: TempFile::new("keys.toml", &entries.concat()), keys }
    }

    pub fn key(&self, place: usize) -> &str {
        &self.keys[place]
    }

    /// What a service that takes these keys is told.
    pub fn settings(&self) -> [(&str, &str); 2] {
        [("auth.mode", "api-keys"), ("auth.keys_file", self.file.as_str())]
    }
}

/// A key for these of the sample's accounts, and its entry.
pub fn make(name: &str, places: &[usize], contact: bool) -> (String, String) {
    let account = |place: &usize| {
        let DemoAccount { email, user_type, .. } = ACCOUNTS[*place];
        format!("{user_type}:{email}")
    };
    make_for(name, &places.iter().map(account).collect::<Vec<_>>(), contact)
}

/// The same for any accounts.
pub fn make_for(name: &str, accounts: &[String], contact: bool) -> (String, String) {
    let scopes = Scopes { contact, token: false, ..Scopes::ALL };
    let made = NewKey::make(name, accounts, scopes).unwrap();
    (made.key.expose_secret().to_owned(), made.entry)
}
