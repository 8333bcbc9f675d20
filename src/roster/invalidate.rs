//! Taking rosters back for the operator, after weighing what that may cost against what the plan has left.
//!
//! With several replicas, the one that is asked weighs, and the others follow (`shared_invalidation`).

use std::collections::HashMap;

use super::rosters::Rosters;
use crate::model::{CredentialId, Invalidation, InvalidationReport};

impl Rosters {
    /// Takes rosters back, here and at all other replicas, unless reading them again may cost more calls than their plans have
    /// left: those that are there, and those that loads bring which have begun before now.
    pub async fn invalidate(&self, invalidation: &Invalidation) -> InvalidationReport {
        let now = self.clock.now();
        let covered = self.store.covered(&invalidation.scope);
        let mut calls: HashMap<CredentialId, u32> = HashMap::new();
        for (key, n) in &covered {
            let sum = calls.entry(key.credential.clone()).or_default();
            *sum = sum.saturating_add(*n);
        }
        let calls: Vec<_> = calls.into_iter().collect();
        let room = self.upstream.room(&calls);
        let mut report = InvalidationReport {
            rosters: covered.len(),
            calls: calls.iter().fold(0, |sum, (_, n)| sum.saturating_add(*n)),
            calls_left: room.map(|room| room.left),
            done: room.is_none_or(|room| room.wanted <= room.left),
            replicas_told: None,
        };
        if report.done {
            // First of all, so that nothing is read back from what replicas share.
            report.replicas_told = self.spread(invalidation).await;
            self.loads.take_back(invalidation, now);
        }
        report
    }

    /// Takes rosters back, whatever that costs: those that are there, and those that loads bring which have begun before now.
    /// Teams with listeners are read again at once.
    pub fn apply(&self, invalidation: &Invalidation) {
        self.loads.take_back(invalidation, self.clock.now());
    }
}
