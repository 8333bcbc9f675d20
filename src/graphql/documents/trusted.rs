//! Trusted documents: the operator's list, as Apollo's, Relay's and code generators' tools write it.
//!
//! A document has an id, which is the SHA-256 of its text, with or without `sha256:` in front, or any other text (Relay's is an
//! MD5). Whatever its id is, the SHA-256 of its text names it as well.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::hash::{Hash, PREFIX};

/// The list.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    by_hash: HashMap<Hash, Arc<str>>,
    /// Those whose id is no hash.
    by_id: HashMap<Box<str>, Arc<str>>,
}

/// A manifest cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidManifest {
    /// It is not JSON of one of the two forms.
    #[error("expected an Apollo persisted-query manifest, or an object of ids and documents")]
    Form,
    /// An entry's hash is not that of its text.
    #[error("the hash {0} is not the SHA-256 of its document")]
    Hash(String),
    /// An entry has no id that could name it.
    #[error("a document has an empty id")]
    Empty,
    /// Two documents have one id.
    #[error("the id {0} stands for two documents")]
    Repeated(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Apollo { operations: Vec<ManifestOperation> },
    Plain(Pairs),
}

#[derive(Deserialize)]
struct ManifestOperation {
    id: String,
    body: String,
}

/// The members of an object, those with the same key too.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl Manifest {
    /// Reads a manifest; a byte order mark in front is ignored (RFC 8259, 8.1).
    ///
    /// # Errors
    /// [`InvalidManifest`] when it has another form, a hash that is not its text's, or an id twice.
    pub fn read(json: &str) -> Result<Self, InvalidManifest> {
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        let entries: Vec<(String, String)> = match serde_json::from_str(json).map_err(|_| InvalidManifest::Form)? {
            Form::Apollo { operations } => {
                operations.into_iter().map(|operation| (operation.id, operation.body)).collect()
            }
            Form::Plain(Pairs(entries)) => entries,
        };
        let mut manifest = Self::default();
        for (id, body) in entries {
            manifest.add(id, body.into())?;
        }
        Ok(manifest)
    }

    fn add(&mut self, id: String, body: Arc<str>) -> Result<(), InvalidManifest> {
        let hash = Hash::of(&body);
        match (id.strip_prefix(PREFIX).map(Hash::parse), Hash::parse(&id)) {
            _ if id.is_empty() => return Err(InvalidManifest::Empty),
            (Some(named), _) if named != Some(hash) => return Err(InvalidManifest::Hash(id)),
            (None, Some(named)) if named != hash => return Err(InvalidManifest::Hash(id)),
            (None, None) => match self.by_id.entry(id.into()) {
                Entry::Occupied(entry) if *entry.get() != body => {
                    return Err(InvalidManifest::Repeated(entry.key().to_string()));
                }
                Entry::Occupied(_) => {}
                Entry::Vacant(entry) => drop(entry.insert(body.clone())),
            },
            _ => {}
        }
        self.by_hash.insert(hash, body);
        Ok(())
    }

    /// The texts of all documents, in a fixed order.
    #[must_use]
    pub fn documents(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = self.by_hash.values().map(|text| &**text).collect();
        texts.sort_unstable();
        texts
    }

    pub(super) fn of_hash(&self, hash: Hash) -> Option<Arc<str>> {
        self.by_hash.get(&hash).cloned()
    }

    pub(super) fn of_id(&self, id: &str) -> Option<Arc<str>> {
        self.by_id.get(id).cloned()
    }
}
