//! Documents that clients do not send: persisted queries, which clients register, and trusted documents, which the operator
//! lists. Shared between callers; results never are.

use std::ops::Deref;
use std::sync::Arc;

use crate::config;
use crate::config::Safelist;
use crate::graphql::error::Code;
use crate::graphql::request_error::RequestError;

use super::hash::{Hash, PREFIX};
use super::persisted::Persisted;
use super::shared::SharedDocuments;
use super::trusted::Manifest;

/// A request's reference to its document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// The text, where it was sent.
    pub text: Option<String>,
    /// `extensions.persistedQuery`, where it was sent.
    pub persisted: Option<PersistedQuery>,
    /// `documentId` or Relay's `doc_id`, where it was sent.
    pub id: Option<String>,
}

impl Reference {
    /// How the client names the document: by a hash, without its prefix, or by any other text.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let id = self.id.as_deref().map(|id| id.strip_prefix(PREFIX).unwrap_or(id));
        self.persisted.as_ref().map(|persisted| persisted.sha256_hash.as_str()).or(id)
    }

    /// The hash by which the client names the document, in either case. It is the client's text, so its form is checked.
    #[must_use]
    pub fn hash(&self) -> Option<&str> {
        self.name().filter(|name| Hash::parse(name).is_some())
    }
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
    pub(in crate::graphql) text: DocumentText,
    /// Under which hash to keep it.
    pub(in crate::graphql) keep: Option<Hash>,
    /// Whether it may do more than read: it is on the list of trusted documents, or there is no list to be on.
    pub(in crate::graphql) trusted: bool,
}

/// A document's text, as it was sent or as it is known.
pub(in crate::graphql) enum DocumentText {
    Sent(String),
    Known(Arc<str>),
}

impl Deref for DocumentText {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Sent(text) => text,
            Self::Known(text) => text,
        }
    }
}

impl From<DocumentText> for Arc<str> {
    fn from(text: DocumentText) -> Self {
        match text {
            DocumentText::Sent(text) => text.into(),
            DocumentText::Known(text) => text,
        }
    }
}

/// All documents that are known.
pub(in crate::graphql) struct Documents {
    persisted: Option<Persisted>,
    manifest: Manifest,
    safelist: Safelist,
    shared: Option<Arc<dyn SharedDocuments>>,
}

impl Documents {
    pub(in crate::graphql) fn new(settings: &config::DocumentsConfig, manifest: Manifest) -> Self {
        let persisted = settings.persisted_queries.then(|| Persisted::new(settings.persisted_limit.as_u64()));
        Self { persisted, manifest, safelist: settings.safelist, shared: None }
    }

    /// The same, with the documents that other replicas know.
    pub(in crate::graphql) fn shared_by(self, shared: Arc<dyn SharedDocuments>) -> Self {
        Self { shared: Some(shared), ..self }
    }

    /// Asks the other replicas for a document that is named by its hash and not known here.
    pub(in crate::graphql) async fn fetch(&self, reference: &Reference) {
        let (Some(shared), Some(persisted), None) = (&self.shared, &self.persisted, &reference.text) else { return };
        let named = reference.persisted.as_ref().map(|query| query.sha256_hash.as_str());
        let named = named.or_else(|| reference.id.as_deref().map(|id| id.strip_prefix(PREFIX).unwrap_or(id)));
        let Some(hash) = named.and_then(Hash::parse).filter(|hash| self.of_hash(*hash).is_none()) else { return };
        let text = shared.get(&hash.to_string()).await;
        if let Some(text) = text.filter(|text| Hash::of(text) == hash) {
            persisted.put(hash, text.into());
        }
    }

    /// Keeps the documents that clients have registered, where the limit is the same.
    pub(in crate::graphql) fn keep_registered(&mut self, former: &Self) {
        if let (Some(new), Some(old)) = (&mut self.persisted, &former.persisted)
            && new.limit() == old.limit()
        {
            *new = old.clone();
        }
    }

    /// The document that a request means.
    pub(in crate::graphql) fn find(&self, reference: Reference) -> Result<ResolvedDocument, RequestError> {
        let found = match reference {
            Reference { text: Some(text), persisted: None, id: None } => ResolvedDocument::sent(text, None),
            Reference { text: None, persisted: None, id: None } => {
                return refuse(Code::BadRequest, "`query` is missing, and no id of a document is there in its place");
            }
            Reference { text, persisted: Some(query), id: None } => self.of_apollo(text, &query)?,
            Reference { text, persisted: None, id: Some(id) } => self.of_id(text, &id)?,
            Reference { text, persisted: Some(query), id: Some(id) } => {
                let same = Hash::parse(id.strip_prefix(PREFIX).unwrap_or(&id))
                    .is_some_and(|hash| Hash::parse(&query.sha256_hash) == Some(hash));
                if !same {
                    return refuse(Code::BadRequest, "the document's id and `extensions.persistedQuery` differ");
                }
                self.of_apollo(text, &query)?
            }
        };
        let trusted = self.check_listed(&found.text)?;
        Ok(ResolvedDocument { trusted, ..found })
    }

    /// The document that a request only names, where it is known.
    pub(in crate::graphql) fn named(&self, reference: &Reference) -> Option<Arc<str>> {
        match reference {
            Reference { text: Some(_), .. } => None,
            Reference { persisted: Some(query), .. } => self.of_hash(Hash::parse(&query.sha256_hash)?),
            Reference { id, .. } => {
                let id = id.as_deref()?;
                let hash = Hash::parse(id.strip_prefix(PREFIX).unwrap_or(id));
                hash.map_or_else(|| self.manifest.of_id(id), |hash| self.of_hash(hash))
            }
        }
    }

    /// By Apollo's extension. The refusals' words are the ones that Apollo's clients look for.
    fn of_apollo(&self, text: Option<String>, query: &PersistedQuery) -> Result<ResolvedDocument, RequestError> {
        let hash = Hash::parse(&query.sha256_hash).filter(|_| query.version == 1);
        if self.persisted.is_none() {
            // Where clients may not register documents, they can still name listed ones.
            return match (text, hash.and_then(|hash| self.manifest.of_hash(hash))) {
                (None, Some(text)) => Ok(ResolvedDocument::known(text)),
                _ => refuse(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported"),
            };
        }
        match (text, hash) {
            (_, None) if query.version != 1 => {
                refuse(Code::PersistedQueryNotSupported, "Unsupported persisted query version")
            }
            (Some(text), hash) if hash == Some(Hash::of(&text)) => Ok(ResolvedDocument::sent(text, hash)),
            (Some(_), _) => refuse(Code::PersistedQueryHashMismatch, "provided sha does not match query"),
            (None, hash) => match hash.and_then(|hash| self.of_hash(hash)) {
                Some(text) => Ok(ResolvedDocument::known(text)),
                None => refuse(Code::PersistedQueryNotFound, "PersistedQueryNotFound"),
            },
        }
    }

    /// By an id: a hash, with or without its prefix, or whatever the list calls a document. A text that is sent with a hash is
    /// registered by it; one that is sent with an id of no listed document is judged by itself.
    fn of_id(&self, text: Option<String>, id: &str) -> Result<ResolvedDocument, RequestError> {
        let hash = match id.strip_prefix(PREFIX) {
            Some(hex) => match Hash::parse(hex) {
                None => {
                    return refuse(Code::BadRequest, "64 hexadecimal digits must follow `sha256:` in a document's id");
                }
                hash => hash,
            },
            None => Hash::parse(id),
        };
        let mismatch = || refuse(Code::PersistedQueryHashMismatch, "the document is not the one that its id names");
        match (text, hash) {
            (None, hash) => match hash.map_or_else(|| self.manifest.of_id(id), |hash| self.of_hash(hash)) {
                Some(text) => Ok(ResolvedDocument::known(text)),
                None => refuse(Code::PersistedQueryNotFound, "no document is known by this id"),
            },
            (Some(text), Some(hash)) if hash == Hash::of(&text) => Ok(ResolvedDocument::sent(text, Some(hash))),
            (Some(_), Some(_)) => mismatch(),
            (Some(text), None) => match self.manifest.of_id(id) {
                Some(listed) if *listed != *text => mismatch(),
                _ => Ok(ResolvedDocument::sent(text, None)),
            },
        }
    }

    fn of_hash(&self, hash: Hash) -> Option<Arc<str>> {
        self.manifest.of_hash(hash).or_else(|| self.persisted.as_ref()?.get(hash))
    }

    /// Keeps a document that was found to be valid, where a client wants it kept.
    pub(in crate::graphql) fn keep(&self, text: &Arc<str>, hash: Option<Hash>) {
        if let (Some(persisted), Some(hash)) = (&self.persisted, hash) {
            if let Some(shared) = self.shared.as_ref().filter(|_| persisted.get(hash).is_none()) {
                shared.put(hash.to_string(), text.clone());
            }
            persisted.put(hash, text.clone());
        }
    }

    /// Whether the document is trusted.
    fn check_listed(&self, text: &str) -> Result<bool, RequestError> {
        if self.safelist == Safelist::Off || self.manifest.of_hash(Hash::of(text)).is_some() {
            return Ok(true);
        }
        if self.safelist == Safelist::Log {
            tracing::warn!(hash = %Hash::of(text), "a document that is not on the list");
            return Ok(false);
        }
        Err(not_listed())
    }
}

impl ResolvedDocument {
    fn sent(text: String, keep: Option<Hash>) -> Self {
        Self { text: DocumentText::Sent(text), keep, trusted: false }
    }

    fn known(text: Arc<str>) -> Self {
        Self { text: DocumentText::Known(text), keep: None, trusted: false }
    }
}

/// The refusal of a document that is not on the list of trusted ones.
pub(in crate::graphql) fn not_listed() -> RequestError {
    let message = "this document is not on the list of trusted ones".to_owned();
    RequestError { code: Code::QueryNotInSafelist, message }
}

fn refuse<T>(code: Code, message: &str) -> Result<T, RequestError> {
    Err(RequestError { code, message: message.to_owned() })
}
