//! Succession: an engine with other settings goes on where an earlier one ends.

use super::engine::Engine;

impl Engine {
    /// Goes on with the documents that clients have registered with an earlier one.
    #[must_use]
    pub fn succeeding(mut self, former: &Self) -> Self {
        self.documents.keep_registered(&former.documents);
        self
    }

    /// Frees the memory of the caches, for an engine that another has taken over from.
    pub fn retire(&self) {
        self.operation_cache.clear();
        self.response_cache.clear();
    }
}
