//! The metrics of the cluster: the connections to the tier, leases, and the shared rosters.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::ResultLabels;

pub(super) struct ClusterMetrics {
    away: Family<ConnectionLabels, Gauge>,
    duration: Histogram,
    failures: Counter,
    held: Gauge,
    offline: Counter,
    second_level: Family<ResultLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectionLabels {
    connection: &'static str,
}

impl Default for ClusterMetrics {
    fn default() -> Self {
        // From a round trip on one machine to the time-out.
        let seconds = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];
        Self {
            away: Family::default(),
            duration: Histogram::new(seconds),
            failures: Counter::default(),
            held: Gauge::default(),
            offline: Counter::default(),
            second_level: Family::default(),
        }
    }
}

impl ClusterMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("cluster_away", "1 while this connection to the cluster's tier is lost", self.away.clone());
        // From the start, so that an alert on the first one sees it rise from 0.
        for connection in ["leases", "values"] {
            self.set_up(connection, true);
        }
        for result in ["hit", "miss", "waited", "away"] {
            let _ = self.second_level.get_or_create(&ResultLabels { result });
        }
        registry.register(
            "cluster_call_duration_seconds",
            "Time of a round trip to the cluster's tier, in seconds",
            self.duration.clone(),
        );
        registry.register("cluster_failures", "Round trips to the cluster's tier that failed", self.failures.clone());
        registry.register("cluster_leased_calls", "Calls of the plan that are held and not used", self.held.clone());
        registry.register("cluster_offline_calls", "Calls made while the tier was away", self.offline.clone());
        registry.register(
            "cluster_roster_lookups",
            "Rosters asked for in the second level, by result: hit, miss, waited or away",
            self.second_level.clone(),
        );
    }

    pub(super) fn set_up(&self, connection: &'static str, up: bool) {
        self.away.get_or_create(&ConnectionLabels { connection }).set(i64::from(!up));
    }

    pub(super) fn called(&self, ok: bool, elapsed: Duration) {
        self.duration.observe(elapsed.as_secs_f64());
        if !ok {
            self.failures.inc();
        }
    }

    pub(super) fn held(&self, calls: u32) {
        self.held.set(i64::from(calls));
    }

    pub(super) fn spent_offline(&self) {
        self.offline.inc();
    }

    pub(super) fn second_level(&self, result: &'static str) {
        self.second_level.get_or_create(&ResultLabels { result }).inc();
    }
}
