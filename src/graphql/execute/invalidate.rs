//! Invalidation: rosters are taken back, and the answers that were kept of them.

use super::engine::Engine;
use crate::model::{Invalidation, InvalidationMode, InvalidationReport};

impl Engine {
    /// Takes rosters back for the operator. With those that are dropped go the answers that were kept of any.
    pub async fn invalidate(&self, invalidation: &Invalidation) -> InvalidationReport {
        let report = self.loaders.invalidate(invalidation).await;
        if report.done && invalidation.mode == InvalidationMode::Hard {
            self.response_cache.clear();
        }
        report
    }
}
