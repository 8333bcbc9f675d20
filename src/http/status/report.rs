//! The report: what the metrics know, read once, and arranged for the page.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Plans;
use crate::http::Health;
use crate::telemetry::{Build, Metrics};

/// What the page is made from.
#[derive(Clone)]
pub(in crate::http) struct StatusState {
    pub(in crate::http) health: Arc<Health>,
    pub(in crate::http) metrics: Arc<Metrics>,
    pub(in crate::http) plans: Plans,
}

impl StatusState {
    pub(super) fn report(&self) -> Value {
        let figures = Figures(self.metrics.exposition());
        let plans: Vec<Value> = self.plans.now().iter().map(|plan| {
            let share = plan.share;
            json!({ "plan": &*plan.name, "limit": share.limit, "remaining": share.remaining, "resetSeconds": share.reset_seconds() })
        }).collect();
        json!({
            "version": Build::VERSION,
            "commit": Build::COMMIT,
            "ready": !self.health.is_draining(),
            "configuration": figures.one("config_generation"),
            "plans": plans,
            "callsPerMinute": self.metrics.listener().calls_per_minute(),
            "upstream": {
                "breakerOpen": figures.one("upstream_breaker_open") > 0,
                "credentialRefused": figures.one("upstream_credential_refused") > 0,
                "calls": figures.by_label("upstream_calls_total"),
                "budgetRefusals": figures.by_label("budget_refusals_total"),
            },
            "rosters": {
                "count": figures.one("roster_store_rosters"),
                "bytes": figures.one("roster_store_bytes"),
                "lookups": figures.by_label("roster_lookups_total"),
            },
            "requests": {
                "inFlight": figures.one("requests_in_flight"),
                "connections": figures.one("connections_open"),
                "refused": figures.by_label("refused_requests_total"),
                "authFailures": figures.by_label("auth_failures_total"),
            },
            "live": {
                "subscriptions": figures.sum("subscriptions_active"),
                "webSockets": figures.one("websockets_open"),
                "pollers": figures.one("roster_pollers"),
            },
            "certificateExpires": figures.one("tls_certificate_expiry_timestamp_seconds"),
        })
    }
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
