//! Taking rosters back for the operator: `invalidate` weighs what that may cost against what the plan has left, and `apply` does
//! it.
//!
//! With several replicas, the one that is asked weighs and then has the others apply: `apply` needs nothing but the
//! invalidation, and may come late or twice.

use std::collections::HashMap;

use super::rosters::Rosters;
use crate::model::{CredentialId, Invalidation, InvalidationReport};

impl Rosters {
    /// Takes rosters back, unless reading them again may cost more calls than their plans have left.
    pub fn invalidate(&self, invalidation: &Invalidation) -> InvalidationReport {
        let covered = self.store.covered(&invalidation.scope);
        let mut calls: HashMap<CredentialId, u32> = HashMap::new();
        for (key, n) in &covered {
            let sum = calls.entry(key.credential.clone()).or_default();
            *sum = sum.saturating_add(*n);
        }
        let calls: Vec<_> = calls.into_iter().collect();
        let room = self.upstream.room(&calls);
        let report = InvalidationReport {
            rosters: covered.len(),
            calls: calls.iter().fold(0, |sum, (_, n)| sum.saturating_add(*n)),
            calls_left: room.map(|room| room.left),
            done: room.is_none_or(|room| room.wanted <= room.left),
        };
        if report.done {
            self.apply(invalidation);
        }
        report
    }

    /// Takes rosters back, whatever that costs: those that are there, and those that loads bring which have begun before now.
    /// What is listened to is read again at once.
    pub fn apply(&self, invalidation: &Invalidation) {
        self.store.invalidate(invalidation);
        self.feeds.take_back(invalidation, self.clock.now());
        self.loads.count();
    }
}
