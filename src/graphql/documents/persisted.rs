//! Automatic persisted queries: documents that clients have sent once, by their hash, bounded in bytes.

use std::sync::Arc;

use moka::sync::Cache;

use super::hash::Hash;

/// The size of an entry besides its text, in bytes, approximately.
const OVERHEAD: usize = 128;

/// Clones are one.
#[derive(Clone)]
pub(super) struct Persisted(Cache<Hash, Arc<str>>);

impl Persisted {
    pub(super) fn new(limit: u64) -> Self {
        let weigh = |_: &Hash, text: &Arc<str>| u32::try_from(text.len() + OVERHEAD).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(limit).weigher(weigh).build())
    }

    /// In bytes.
    pub(super) fn limit(&self) -> Option<u64> {
        self.0.policy().max_capacity()
    }

    pub(super) fn get(&self, hash: Hash) -> Option<Arc<str>> {
        self.0.get(&hash)
    }

    pub(super) fn put(&self, hash: Hash, text: Arc<str>) {
        self.0.insert(hash, text);
        // Registering is rare; the bound holds now, not some time later.
        self.0.run_pending_tasks();
    }
}
