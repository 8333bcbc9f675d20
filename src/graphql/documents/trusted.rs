//! Trusted documents: the operator's list, in the form of Apollo's persisted-query manifests, or a plain object of texts.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::documents::Hash;

/// The list, by the hash of each text.
#[derive(Clone, Debug, Default)]
pub struct Manifest(HashMap<Hash, Arc<str>>);

/// A manifest cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidManifest {
    /// It is not JSON of one of the two forms.
    #[error("expected an Apollo persisted-query manifest, or an object of hashes and documents")]
    Form,
    /// An entry's hash is not that of its text.
    #[error("the hash {0} is not the SHA-256 of its document")]
    Hash(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Apollo { operations: Vec<ManifestOperation> },
    Plain(HashMap<String, String>),
}

#[derive(Deserialize)]
struct ManifestOperation {
    id: String,
    body: String,
}

impl Manifest {
    /// Reads a manifest; a byte order mark in front is ignored (RFC 8259, 8.1).
    ///
    /// # Errors
    /// [`InvalidManifest`] when it has another form, or a hash that is not its text's.
    pub fn read(json: &str) -> Result<Self, InvalidManifest> {
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        let entries: Vec<(String, String)> = match serde_json::from_str(json).map_err(|_| InvalidManifest::Form)? {
            Form::Apollo { operations } => {
                operations.into_iter().map(|operation| (operation.id, operation.body)).collect()
            }
            Form::Plain(entries) => entries.into_iter().collect(),
        };
        let list = entries.into_iter().map(|(id, body)| match Hash::parse(&id) {
            Some(hash) if hash == Hash::of(&body) => Ok((hash, Arc::from(body))),
            _ => Err(InvalidManifest::Hash(id)),
        });
        list.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn get(&self, hash: Hash) -> Option<Arc<str>> {
        self.0.get(&hash).cloned()
    }
}
