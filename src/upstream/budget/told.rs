//! The notices about the vendor between replicas: the pauses that it asks for, and that it has stopped answering.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::budget::Budget;
use super::ledger::Ledger;
use super::shared::PAUSE;
use crate::cluster::{Cluster, Notice};
use crate::telemetry::Metrics;
use crate::upstream::protect::{Breaker, HostPause, LONGEST_PAUSE};

/// The notice that the host wants no call at all for a while.
const HOST_PAUSE: &str = "host-pause";
/// The notices that the host has stopped answering, and that it answers again.
const OUTAGE: &str = "outage";
const ANSWERED: &str = "answered";

impl Budget {
    /// Tells the other replicas that the vendor has asked for a pause.
    pub(in crate::upstream) fn tell_paused(&self, ledger: &Ledger, pause: Duration) {
        if let (Some(cluster), Some(plan)) = (&self.cluster, ledger.shared()) {
            let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            cluster.notices.publish(Notice { kind: PAUSE.to_owned(), about: plan.name().to_owned(), millis });
        }
    }

    /// Tells the other replicas that the host has asked to be left alone.
    pub(in crate::upstream) fn tell_host_paused(&self, pause: Duration) {
        if let Some(cluster) = &self.cluster {
            let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            cluster.notices.publish(Notice { kind: HOST_PAUSE.to_owned(), about: String::new(), millis });
        }
    }

    /// Has a plan pause where another replica says that the vendor has asked for it.
    pub(super) fn hear_pauses(&self, cluster: &Cluster) {
        let (ledgers, clock) = (Arc::downgrade(&self.ledgers), self.clock);
        let paused_elsewhere = self.paused_elsewhere.clone();
        cluster.notices.subscribe(move |notice, age| {
            let (Some(ledgers), PAUSE) = (ledgers.upgrade(), notice.kind.as_str()) else { return };
            let left = Duration::from_millis(notice.millis).saturating_sub(age);
            if left.is_zero() {
                return;
            }
            let now = clock.now();
            let known: Vec<_> = ledgers.index.lock().known.values().map(|(_, ledger)| ledger.clone()).collect();
            match known.iter().find(|ledger| ledger.shared().is_some_and(|plan| plan.name() == notice.about)) {
                Some(ledger) => drop(ledger.rate_limited(left, now)),
                None => paused_elsewhere.insert(notice.about.clone(), now + left.min(LONGEST_PAUSE)),
            }
        });
    }

    /// Tells the other replicas that the breaker has opened.
    pub(in crate::upstream) fn tell_outage(&self, sources: u64) {
        if let Some(cluster) = &self.cluster {
            cluster.notices.publish(Notice { kind: OUTAGE.to_owned(), about: sources.to_string(), millis: 0 });
        }
    }

    /// Tells the other replicas that the host has answered again.
    pub(in crate::upstream) fn tell_answered(&self) {
        if let Some(cluster) = &self.cluster {
            cluster.notices.publish(Notice { kind: ANSWERED.to_owned(), about: String::new(), millis: 0 });
        }
    }

    /// Has the breaker open, or probe, where another replica says so.
    pub(in crate::upstream) fn hear_outages(&self, breaker: &Arc<Breaker>, metrics: &Arc<Metrics>) {
        let Some(cluster) = &self.cluster else { return };
        let (breaker, metrics, clock) = (Arc::downgrade(breaker), metrics.clone(), self.clock);
        cluster.notices.subscribe(move |notice, age| {
            let Some(breaker) = breaker.upgrade() else { return };
            match notice.kind.as_str() {
                OUTAGE => breaker.heard_of_outage(notice.about.parse().unwrap_or(1), age, clock.now(), &metrics),
                ANSWERED => breaker.heard_of_answer(clock.now()),
                _ => {}
            }
        });
    }

    /// Has a pause begin where another replica says that the host has asked for it.
    pub(in crate::upstream) fn hear_host_pauses(&self, pause: &Arc<Mutex<HostPause>>) {
        let Some(cluster) = &self.cluster else { return };
        let (pause, clock) = (Arc::downgrade(pause), self.clock);
        cluster.notices.subscribe(move |notice, age| {
            let left = Duration::from_millis(notice.millis).saturating_sub(age);
            if let Some(pause) = pause.upgrade().filter(|_| notice.kind == HOST_PAUSE && !left.is_zero()) {
                pause.lock().unavailable(left, clock.now());
            }
        });
    }
}
