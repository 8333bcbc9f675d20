//! Documents that clients do not send: persisted queries, which clients register, and trusted documents, which the operator
//! lists. Shared between callers; results never are.

use super::trusted::Manifest;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use crate::config;
use crate::config::Safelist;
use crate::graphql::error::Code;
use crate::graphql::request_error::RequestError;

use super::persisted::Persisted;

/// The SHA-256 digest of a document's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct Hash([u8; 32]);

/// As manifests have it.
impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Hash {
    pub(in crate::graphql) fn of(text: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }

    /// Reads 64 hex digits, in either case.
    pub(in crate::graphql) fn parse(hex: &str) -> Option<Self> {
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

/// What a request says of its document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// The text, where it was sent.
    pub text: Option<String>,
    /// `extensions.persistedQuery`, where it was sent.
    pub persisted: Option<PersistedQuery>,
}

/// `extensions.persistedQuery`, in the form of Apollo's automatic persisted queries.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistedQuery {
    /// 1 is the only one there is.
    pub version: u32,
    /// The text's SHA-256 in hex.
    pub sha256_hash: String,
}

/// A document's text, and what may be done with it when it turns out to be valid.
pub(in crate::graphql) struct ResolvedDocument {
    pub(in crate::graphql) text: Arc<str>,
    /// Under which hash to keep it.
    pub(in crate::graphql) keep: Option<Hash>,
}

/// All documents that are known.
pub(in crate::graphql) struct Documents {
    persisted: Option<Persisted>,
    manifest: Manifest,
    safelist: Safelist,
}

impl Documents {
    pub(in crate::graphql) fn new(settings: &config::DocumentsConfig, manifest: Manifest) -> Self {
        let persisted = settings.persisted_queries.then(|| Persisted::new(settings.persisted_limit.as_u64()));
        Self { persisted, manifest, safelist: settings.safelist }
    }

    /// The document that a request means. The refusals' words are the ones that Apollo's clients look for.
    pub(in crate::graphql) fn find(&self, reference: Reference) -> Result<ResolvedDocument, RequestError> {
        let refuse = |code, message: &str| Err(RequestError { code, message: message.to_owned() });
        let found = match (reference.text, reference.persisted) {
            (Some(text), None) => ResolvedDocument { text: text.into(), keep: None },
            (None, None) => return refuse(Code::BadRequest, "`query` is missing"),
            (text, Some(query)) => {
                let hash = Hash::parse(&query.sha256_hash).filter(|_| query.version == 1);
                let listed = hash.and_then(|hash| self.manifest.get(hash));
                let Some(persisted) = &self.persisted else {
                    // Where clients may not register documents, they can still name listed ones.
                    return match (text, listed) {
                        (None, Some(text)) => Ok(ResolvedDocument { text, keep: None }),
                        _ => refuse(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported"),
                    };
                };
                match (text, hash) {
                    (_, None) if query.version != 1 => {
                        return refuse(Code::PersistedQueryNotSupported, "Unsupported persisted query version");
                    }
                    (Some(text), hash) if hash == Some(Hash::of(&text)) => {
                        ResolvedDocument { text: text.into(), keep: hash }
                    }
                    (Some(_), _) => {
                        return refuse(Code::PersistedQueryHashMismatch, "provided sha does not match query");
                    }
                    (None, hash) => match listed.or_else(|| persisted.get(hash?)) {
                        Some(text) => ResolvedDocument { text, keep: None },
                        None => return refuse(Code::PersistedQueryNotFound, "PersistedQueryNotFound"),
                    },
                }
            }
        };
        self.check_listed(&found.text)?;
        Ok(found)
    }

    /// Keeps a document that was found to be valid, where a client wants it kept.
    pub(in crate::graphql) fn keep(&self, text: &Arc<str>, hash: Option<Hash>) {
        if let (Some(persisted), Some(hash)) = (&self.persisted, hash) {
            persisted.put(hash, text.clone());
        }
    }

    fn check_listed(&self, text: &str) -> Result<(), RequestError> {
        if self.safelist == Safelist::Off || self.manifest.get(Hash::of(text)).is_some() {
            return Ok(());
        }
        if self.safelist == Safelist::Log {
            tracing::warn!(hash = %Hash::of(text), "a document that is not on the list");
            return Ok(());
        }
        Err(RequestError {
            code: Code::QueryNotInSafelist,
            message: "this document is not on the list of trusted ones".to_owned(),
        })
    }
}
