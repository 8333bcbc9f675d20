//! Persisted queries that other replicas know: what the service's composition hands in, so that this stage knows no tier.

use std::sync::Arc;

use futures_util::future::BoxFuture;

/// Keeps registered documents for all replicas.
pub trait SharedDocuments: Send + Sync + 'static {
    /// The document of this hash, in hexadecimal. What it says is checked by the caller.
    fn get<'a>(&'a self, hash: &'a str) -> BoxFuture<'a, Option<String>>;

    /// Keeps a document, in the background.
    fn put(&self, hash: String, text: Arc<str>);
}
