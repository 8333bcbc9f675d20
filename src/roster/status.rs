//! The status of the rosters: how old and how large they are, and which accounts are not tried now.

use super::rosters::Rosters;
use crate::model::{KeptRoster, RosterStatus};

/// Of so many rosters it is told; of more, some are left out.
const TOLD: usize = 10_000;

impl Rosters {
    /// How the rosters are now.
    #[must_use]
    pub fn status(&self) -> RosterStatus {
        let now = self.clock.now();
        let kept = self.store.kept(TOLD).map(|(key, stored)| {
            let age = now.saturating_duration_since(stored.began);
            let taken_back = self.store.invalidated(&key).is_some_and(|at| stored.began <= at);
            let (members, bytes) = (stored.roster.len(), stored.roster.size());
            KeptRoster { key, members, bytes, age, stale: taken_back || age > self.settings.fresh_for }
        });
        RosterStatus { kept: kept.collect(), not_tried: self.negative_cache.counts(now) }
    }
}
