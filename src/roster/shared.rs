//! Rosters that replicas share: the second level is put under the loads, and what other replicas are refused is taken in.

use std::sync::Arc;

use super::loads::Loads;
use super::rosters::Rosters;
use super::second_level::SecondLevel;
use crate::cluster::Cluster;

impl Rosters {
    /// The same, with the rosters that other replicas have read.
    #[must_use]
    pub fn shared_by(mut self, cluster: Arc<Cluster>) -> Self {
        let max_age = self.settings.fresh_for.max(self.settings.stale_for);
        let second = Arc::new(SecondLevel::new(cluster, max_age, self.clock, self.metrics.clone()));
        let loads = Arc::new(Loads { second: Some(second.clone()), ..Loads::clone(&self.loads) });
        let told = Arc::downgrade(&loads);
        second.subscribe(move |grant, error| {
            if let Some(loads) = told.upgrade() {
                loads.refused_elsewhere(grant, error);
            }
        });
        let (heard, told, clock) = (Arc::downgrade(&second), Arc::downgrade(&loads), self.clock);
        second.cluster.notices.subscribe(move |notice, age| {
            let (Some(second), Some(loads)) = (heard.upgrade(), told.upgrade()) else { return };
            let Some(invalidation) = second.invalidation(notice) else { return };
            let now = clock.now();
            loads.take_back(&invalidation, now.checked_sub(age).unwrap_or(now));
        });
        self.loads = loads;
        self
    }
}
