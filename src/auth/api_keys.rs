//! API keys: a request carries a key whose hash is in the operator's key file, with the accounts and scopes of that key.
//!
//! A key is `fmk_NAME_SECRET`. The name is public and finds the entries; the hash of the whole key is compared with
//! theirs in constant time. The secret has 256 random bits, so a plain hash cannot be reversed.

use std::collections::HashMap;
use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Deserialize;

use super::Secret;
use super::accounts::{AllowedAccounts, WrittenAccount};
use super::admitted::Admitted;
use super::bearer::bearer;
use super::error::AuthError;
use super::reloading_file::{ReloadingFile, Unusable};
use super::scopes;
use super::server_credential::ServerCredential;
use super::written_limits::WrittenLimits;
use crate::model::{Caller, CallerId, CallerLimits, Scopes};

/// The prefix of every key, by which people and secret scanners recognize one.
const PREFIX: &str = "fmk_";
const SECRET_LENGTH: usize = 32;
const HASH_LENGTH: usize = 32;

pub(super) struct ApiKeys {
    keys: ReloadingFile<KeysById>,
    pub(super) held: ServerCredential,
}

/// The keys of the file, by name; a name may have several while one key replaces another.
type KeysById = HashMap<String, Vec<ApiKeyEntry>>;

struct ApiKeyEntry {
    hash: [u8; HASH_LENGTH],
    id: CallerId,
    scopes: Scopes,
    accounts: AllowedAccounts,
    limits: CallerLimits,
}

impl ApiKeys {
    pub(super) fn open(file: &Path, credential: Secret) -> Result<Self, Unusable> {
        Ok(Self { keys: ReloadingFile::open("auth.keys_file", file, read)?, held: ServerCredential::new(credential) })
    }

    pub(super) fn admit(&self, parts: &Parts) -> Result<Admitted, AuthError> {
        let key = bearer(parts, "send an API key as `Authorization: Bearer …`")?;
        let keys = self.keys.get();
        let hash = digest(&SHA256, key.as_bytes());
        let entries = name(key).and_then(|name| keys.get(name)).map(Vec::as_slice).unwrap_or_default();
        let known = |entry: &&ApiKeyEntry| verify_slices_are_equal(&entry.hash, hash.as_ref()).is_ok();
        let entry = entries.iter().find(known).ok_or(AuthError::Invalid("the API key is not known here"))?;
        let caller = Caller { id: entry.id.clone(), credential: self.held.credential(), scopes: entry.scopes };
        Ok(Admitted { caller, accounts: entry.accounts.clone(), limits: entry.limits })
    }
}

/// The name in a key.
fn name(key: &str) -> Option<&str> {
    key.strip_prefix(PREFIX)?.split_once('_').map(|(name, _)| name)
}

/// Whether the text can name a key or a certificate: it is delimited from a secret, and may be logged.
pub(super) fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiKeysFile {
    #[serde(default)]
    key: Vec<WrittenKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    name: String,
    hash: String,
    scopes: Vec<String>,
    accounts: Option<Vec<WrittenAccount>>,
    rate_limit: Option<u32>,
    rate_burst: Option<u32>,
    concurrency: Option<u32>,
}

fn read(text: &str) -> Result<KeysById, String> {
    // The library's message would quote the file.
    let file: ApiKeysFile = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
        format!("line {line}: expected [[key]] tables with `name`, `hash`, `scopes` and, if there are any, `accounts`")
    })?;
    let mut keys = KeysById::new();
    for (n, key) in (1..).zip(file.key) {
        let wrong = |what: &str| format!("key {n}: {what}");
        if !is_name(&key.name) {
            return Err(wrong("its name is not 1 to 40 lower-case letters, digits and dashes"));
        }
        let hash = hash(&key.hash).ok_or_else(|| wrong("its hash is not one that `keys new` prints"))?;
        let scopes = scopes::read(key.scopes.iter().map(String::as_str));
        let scopes =
            scopes.ok_or_else(|| wrong("its scopes are not team:read, team:contact:read or team:token:issue"))?;
        let accounts = match key.accounts {
            None => AllowedAccounts::Default,
            Some(list) => WrittenAccount::read_all(&list)
                .ok_or_else(|| wrong("its accounts are not a list of e-mail addresses and user types"))?,
        };
        let limits = WrittenLimits::new(key.rate_limit, key.rate_burst, key.concurrency).read();
        let limits = limits
            .ok_or_else(|| wrong("its limits are not whole numbers from 1 to 1000000 (rate_limit: 0 = unlimited)"))?;
        let id = CallerId::Key(key.name.as_str().into());
        keys.entry(key.name).or_default().push(ApiKeyEntry { hash, id, scopes, accounts, limits });
    }
    Ok(keys)
}

fn hash(text: &str) -> Option<[u8; HASH_LENGTH]> {
    URL_SAFE_NO_PAD.decode(text.strip_prefix("sha256:")?).ok()?.try_into().ok()
}

/// A new key, and its entry in the key file.
pub struct NewKey {
    /// The key, for the client.
    pub key: SecretString,
    /// The entry for the key file.
    pub entry: String,
}

/// The reason why no key was made.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum InvalidKey {
    #[error("a key's name is 1 to 40 lower-case letters, digits and dashes")]
    Name,
    #[error("an account is TYPE:EMAIL, such as CUSTOMER:maya@lantern-books.example")]
    Account,
    #[error("there is no randomness")]
    Randomness,
}

impl NewKey {
    /// Makes a key of this name with these scopes, for these accounts (`TYPE:EMAIL`; the default account if the list is empty).
    ///
    /// # Errors
    /// [`InvalidKey`] when the name or an account is invalid, or the system has no randomness.
    pub fn make(name: &str, accounts: &[String], scopes: Scopes) -> Result<Self, InvalidKey> {
        if !is_name(name) {
            return Err(InvalidKey::Name);
        }
        let mut secret = [0; SECRET_LENGTH];
        getrandom::fill(&mut secret).map_err(|_| InvalidKey::Randomness)?;
        let key = format!("{PREFIX}{name}_{}", URL_SAFE_NO_PAD.encode(secret));
        let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, key.as_bytes()));
        let scopes = scopes::names(scopes).into_iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let mut entry = format!("[[key]]\nname = \"{name}\"\nhash = \"sha256:{hash}\"\nscopes = [{scopes}]\n");
        let accounts = accounts.iter().map(|account| {
            let (user_type, email) = account.split_once(':').ok_or(InvalidKey::Account)?;
            let account = WrittenAccount::new(email, user_type).read().ok_or(InvalidKey::Account)?;
            Ok(format!("{{ email = \"{}\", type = \"{}\" }}", account.email.as_str(), account.user_type.name()))
        });
        let accounts = accounts.collect::<Result<Vec<_>, _>>()?;
        if !accounts.is_empty() {
            entry.push_str(&format!("accounts = [{}]\n", accounts.join(", ")));
        }
        Ok(Self { key: SecretString::from(key), entry })
    }
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("key", &self.key).finish_non_exhaustive()
    }
}
