//! The report: what the metrics know, read once, and arranged for the page.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Plans;
use super::stages::{self, StatusSource};
use crate::http::Health;
use crate::telemetry::{Build, Metrics};

/// The sources of the page.
#[derive(Clone)]
pub(in crate::http) struct StatusState {
    pub(in crate::http) health: Arc<Health>,
    pub(in crate::http) metrics: Arc<Metrics>,
    pub(in crate::http) plans: Plans,
    pub(in crate::http) stages: Arc<dyn StatusSource>,
}

impl StatusState {
    pub(super) fn report(&self) -> Value {
        let figures = Figures(self.metrics.exposition());
        let plans: Vec<Value> = self.plans.now().iter().map(|plan| {
            let share = plan.share;
            json!({ "plan": &*plan.name, "limit": share.limit, "remaining": share.remaining, "resetSeconds": share.reset_seconds() })
        }).collect();
        let names = self.plans.names();
        let (rosters, mut upstream) = (self.stages.rosters(), self.stages.upstream());
        json!({
            "version": Build::VERSION,
            "commit": Build::COMMIT,
            "ready": !self.health.is_draining(),
            "configuration": figures.one("config_generation"),
            "plans": plans,
            "callers": stages::callers(&mut upstream, names),
            "callsPerMinute": self.metrics.listener().calls_per_minute(),
            "upstream": {
                "breakerOpen": figures.one("upstream_breaker_open") > 0,
                "credentialRefused": figures.one("upstream_credential_refused") > 0,
                "inFlight": upstream.in_flight,
                "waiting": upstream.waiting,
                "calls": figures.by_label("upstream_calls_total"),
                "budgetRefusals": figures.by_label("budget_refusals_total"),
                "pauses": stages::pauses(&mut upstream, names),
                "notTried": count(&rosters.not_tried),
            },
            "rosters": {
                "count": figures.one("roster_store_rosters"),
                "bytes": figures.one("roster_store_bytes"),
                "lookups": figures.by_label("roster_lookups_total"),
                "ages": stages::ages(&rosters.kept),
                "largest": stages::largest(rosters.kept, names),
            },
            "requests": {
                "inFlight": figures.one("requests_in_flight"),
                "connections": figures.one("connections_open"),
                "refused": figures.by_label("refused_requests_total"),
                "lastRefusals": last_refusals(&self.metrics),
                "authFailures": figures.by_label("auth_failures_total"),
            },
            "cluster": stages::cluster(self.stages.cluster()),
            "live": {
                "subscriptions": figures.sum("subscriptions_active"),
                "webSockets": figures.one("websockets_open"),
                "pollers": figures.one("roster_pollers"),
            },
            "certificateExpires": figures.one("tls_certificate_expiry_timestamp_seconds"),
        })
    }
}

fn count(counts: &[(&'static str, usize)]) -> Map<String, Value> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect()
}

fn last_refusals(metrics: &Metrics) -> Vec<Value> {
    let entry = |(code, ago): (&str, Duration)| json!({ "code": code, "secondsAgo": ago.as_secs() });
    metrics.last_refusals().into_iter().map(entry).collect()
}

/// The metrics' text.
struct Figures(String);

impl Figures {
    /// The lines of a metric: labels, and value.
    fn lines<'f>(&'f self, name: &'f str) -> impl Iterator<Item = (&'f str, i64)> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix("flowmatix_")?.strip_prefix(name)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            (labels.is_empty() || labels.starts_with('{')).then_some((labels, value.parse::<f64>().ok()? as i64))
        })
    }

    fn one(&self, name: &str) -> i64 {
        self.lines(name).next().map_or(0, |(_, value)| value)
    }

    fn sum(&self, name: &str) -> i64 {
        self.lines(name).map(|(_, value)| value).sum()
    }

    /// By the value of the one label.
    fn by_label(&self, name: &str) -> Map<String, Value> {
        self.lines(name)
            .filter_map(|(labels, value)| Some((labels.split('"').nth(1)?.to_owned(), value.into())))
            .collect()
    }
}
