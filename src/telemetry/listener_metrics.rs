//! The metrics of the public listener: TLS, what comes in and goes out, who is let in, and what is left of plans.

use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use super::labels::{ReasonLabels, ResultLabels};
use crate::model::Clock;

/// A plan's name is a hash, and there are few: the only label that is made while the service runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlanLabels {
    plan: String,
}

/// The minutes of an hour.
const MINUTES: usize = 60;

/// The metrics of the public listener.
pub struct ListenerMetrics {
    handshakes: Family<ResultLabels, Counter>,
    certificate_expiry: Gauge,
    connections: Gauge,
    requests: Gauge,
    sent: Counter,
    auth_failures: Family<ReasonLabels, Counter>,
    keys_fetched: Gauge,
    plan_limit: Family<PlanLabels, Gauge>,
    plan_remaining: Family<PlanLabels, Gauge>,
    calls: Mutex<CallHistory>,
}

/// Calls by minute, the last one first.
struct CallHistory {
    since: Instant,
    minutes: [u32; MINUTES],
}

impl CallHistory {
    /// Moves on to the minute of now.
    fn advance(&mut self) {
        let passed = usize::try_from(Clock::elapsed_since(self.since).as_secs() / 60).unwrap_or(MINUTES);
        if passed > 0 {
            self.minutes.rotate_right(passed.min(MINUTES) % MINUTES);
            self.minutes[..passed.min(MINUTES)].fill(0);
            self.since += Duration::from_secs(60 * passed as u64);
        }
    }
}

impl Default for ListenerMetrics {
    fn default() -> Self {
        let metrics = Self {
            handshakes: Family::default(),
            certificate_expiry: Gauge::default(),
            connections: Gauge::default(),
            requests: Gauge::default(),
            sent: Counter::default(),
            auth_failures: Family::default(),
            keys_fetched: Gauge::default(),
            plan_limit: Family::default(),
            plan_remaining: Family::default(),
            calls: Mutex::new(CallHistory { since: Clock::instant(), minutes: [0; MINUTES] }),
        };
        // From the start, so that an alert on the first failure sees it rise from 0.
        for result in ["ok", "failed", "timeout"] {
            let _ = metrics.handshakes.get_or_create(&ResultLabels { result });
        }
        for reason in ["missing", "invalid", "certificate", "scope", "no_keys", "account"] {
            let _ = metrics.auth_failures.get_or_create(&ReasonLabels { reason });
        }
        metrics
    }
}

impl ListenerMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "tls_handshakes",
            "TLS handshakes, by result: ok, failed or timeout",
            self.handshakes.clone(),
        );
        registry.register(
            "tls_certificate_expiry_timestamp_seconds",
            "When the certificate of the GraphQL listener expires, in seconds of Unix time; 0 without TLS",
            self.certificate_expiry.clone(),
        );
        registry.register("connections_open", "Open connections of the GraphQL listener", self.connections.clone());
        registry.register("requests_in_flight", "Requests that are being answered", self.requests.clone());
        registry.register(
            "response_bytes",
            "Bytes written to connections of the GraphQL listener: heads, bodies and frames, encrypted where they are",
            self.sent.clone(),
        );
        registry.register(
            "auth_failures",
            "Requests whose caller was not let in, by reason",
            self.auth_failures.clone(),
        );
        registry.register(
            "jwks_fetch_timestamp_seconds",
            "When the token issuer's keys were fetched last, in seconds of Unix time; 0 without a URL of keys",
            self.keys_fetched.clone(),
        );
        registry.register(
            "budget_limit",
            "Calls that callers of a credential may make in a window, by a hash of the credential",
            self.plan_limit.clone(),
        );
        registry.register(
            "budget_remaining",
            "Calls that are left of them, by a hash of the credential",
            self.plan_remaining.clone(),
        );
    }

    /// A connection was opened.
    pub fn connection_opened(&self) {
        self.connections.inc();
    }

    /// A connection was closed.
    pub fn connection_closed(&self) {
        self.connections.dec();
    }

    /// A request has come.
    pub fn request_begun(&self) {
        self.requests.inc();
    }

    /// A request has its answer, or was given up.
    pub fn request_ended(&self) {
        self.requests.dec();
    }

    /// Counts bytes that went to a client.
    pub fn sent(&self, bytes: usize) {
        self.sent.inc_by(bytes as u64);
    }

    /// Counts a caller that was not let in, by reason.
    pub fn auth_failed(&self, reason: &'static str) {
        self.auth_failures.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Sets when the issuer's keys were fetched, in seconds of Unix time.
    pub fn keys_fetched(&self, at: i64) {
        self.keys_fetched.set(at);
    }

    /// Sets what plans have: name, limit, remaining. Others are forgotten.
    pub fn set_plans<'p>(&self, plans: impl Iterator<Item = (&'p str, u32, u32)>) {
        self.plan_limit.clear();
        self.plan_remaining.clear();
        for (plan, limit, remaining) in plans {
            let labels = PlanLabels { plan: plan.to_owned() };
            self.plan_limit.get_or_create(&labels).set(limit.into());
            self.plan_remaining.get_or_create(&labels).set(remaining.into());
        }
    }

    /// An upstream call was made.
    pub(super) fn called(&self) {
        let mut calls = self.calls.lock();
        calls.advance();
        calls.minutes[0] += 1;
    }

    /// Upstream calls in each minute of the last hour, the oldest first.
    #[must_use]
    pub fn calls_per_minute(&self) -> Vec<u32> {
        let mut calls = self.calls.lock();
        calls.advance();
        calls.minutes.iter().rev().copied().collect()
    }

    /// Counts a handshake by its result (`ok`, `failed`, `timeout`).
    pub fn handshake(&self, result: &'static str) {
        self.handshakes.get_or_create(&ResultLabels { result }).inc();
    }

    /// Sets when the certificate expires, in seconds of Unix time.
    pub fn certificate_expires(&self, at: i64) {
        self.certificate_expiry.set(at);
    }
}
