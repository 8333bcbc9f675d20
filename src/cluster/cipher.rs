//! Seals records with AES-256-GCM. A record begins with the name of its key, so that old ones stay readable while keys rotate, and
//! its own name is authenticated with it, so that records cannot be put in each other's place.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// The first byte of a record that is not sealed.
const PLAIN: u8 = 0;
const KEY_LENGTH: usize = 32;

/// The keys of the cluster.
pub struct Cipher {
    /// The first one seals; `None` where records are not sealed.
    keys: Option<Vec<(String, LessSafeKey)>>,
}

/// The file of keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CipherKeysFile {
    names: String,
    keys: Vec<CipherKeyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CipherKeyEntry {
    id: String,
    secret: String,
}

/// Why a file of keys cannot be used. The texts are for the operator, and quote nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// It is not such a file.
    #[error("expected TOML with `names` and at least one [[keys]] entry of `id` and `secret`")]
    NotKeys,
    /// A secret has another length.
    #[error("expected `names` and each `secret` to be 32 bytes in base64")]
    WrongLength,
    /// Two keys have one name.
    #[error("expected each `id` once, of 1 to 32 letters, digits, `-` and `_`")]
    WrongId,
}

impl Cipher {
    /// Records in the clear.
    #[must_use]
    pub fn plaintext() -> Self {
        Self { keys: None }
    }

    /// Reads a file of keys; also the secret that names are made with.
    ///
    /// # Errors
    /// [`InvalidKeys`] when it is none.
    pub fn read(text: &str) -> Result<(Self, Vec<u8>), InvalidKeys> {
        let file: CipherKeysFile = toml::from_str(text).map_err(|_| InvalidKeys::NotKeys)?;
        let secret = |text: &str| {
            let bytes = STANDARD.decode(text.trim()).ok().filter(|bytes| bytes.len() == KEY_LENGTH);
            bytes.ok_or(InvalidKeys::WrongLength)
        };
        let names = secret(&file.names)?;
        let mut keys: Vec<(String, LessSafeKey)> = Vec::new();
        for entry in &file.keys {
            let fits = |id: &str| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            if !(1..=32).contains(&entry.id.len()) || !fits(&entry.id) || keys.iter().any(|(id, _)| *id == entry.id) {
                return Err(InvalidKeys::WrongId);
            }
            let key = UnboundKey::new(&AES_256_GCM, &secret(&entry.secret)?).map_err(|_| InvalidKeys::WrongLength)?;
            keys.push((entry.id.clone(), LessSafeKey::new(key)));
        }
        if keys.is_empty() {
            return Err(InvalidKeys::NotKeys);
        }
        Ok((Self { keys: Some(keys) }, names))
    }

    /// Whether records are sealed.
    #[must_use]
    pub fn seals(&self) -> bool {
        self.keys.is_some()
    }

    /// Seals the record of this name; `None` where the system gives no randomness.
    #[must_use]
    pub fn seal(&self, name: &str, plain: &[u8]) -> Option<Vec<u8>> {
        let Some((id, key)) = self.keys.as_ref().and_then(|keys| keys.first()) else {
            return Some([&[PLAIN], plain].concat());
        };
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).ok()?;
        let mut record = Vec::with_capacity(1 + id.len() + NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        record.push(u8::try_from(id.len()).ok()?);
        record.extend_from_slice(id.as_bytes());
        record.extend_from_slice(&nonce);
        let mut sealed = plain.to_vec();
        let aad = Aad::from(name.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        record.append(&mut sealed);
        Some(record)
    }

    /// Opens the record of this name; `None` where it is another's, was changed, or its key is not known.
    #[must_use]
    pub fn open(&self, name: &str, record: &[u8]) -> Option<Vec<u8>> {
        let (length, rest) = record.split_first()?;
        let Some(keys) = &self.keys else {
            return (*length == PLAIN).then(|| rest.to_vec());
        };
        let (id, rest) = rest.split_at_checked(usize::from(*length))?;
        let (_, key) = keys.iter().find(|(known, _)| known.as_bytes() == id)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let mut plain = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

/// A new file of keys, with one key of this name.
///
/// # Errors
/// Where the system gives no randomness.
pub fn new_keys_file(id: &str) -> Result<String, &'static str> {
    let secret = || {
        let mut bytes = [0; KEY_LENGTH];
        getrandom::fill(&mut bytes).map_err(|_| "the system gives no randomness")?;
        Ok::<_, &str>(STANDARD.encode(bytes))
    };
    Ok(format!(
        "# The keys of a cluster of flowmatix-graphql. Keep it secret, and the same on all replicas.\n\
         # The names of records are made with this. It never changes: with another one nothing is found again.\n\
         names = \"{}\"\n\n\
         # The first key seals, and all of them open. To rotate: add a key at the end everywhere, then move it to the front\n\
         # everywhere; after roster.stale_for the old one can go.\n\
         [[keys]]\nid = \"{id}\"\nsecret = \"{}\"\n",
        secret()?,
        secret()?
    ))
}
