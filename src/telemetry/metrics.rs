//! Metrics: the catalogue of all metrics, in Prometheus's text format.
//!
//! Every label value is a `&'static str`, so that no request can increase the cardinality.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::audit_metrics::AuditMetrics;
use super::cache_tag_metrics::CacheTagMetrics;
use super::cluster_metrics::ClusterMetrics;
use super::labels::{ReasonLabels, ResultLabels};
use super::listener_metrics::ListenerMetrics;
use super::live_metrics::LiveMetrics;
use super::process_metrics::ProcessMetrics;
use super::refusal_history::RefusalHistory;
use super::trace_metrics::TraceMetrics;

/// The metrics of one running service.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_duration: Histogram,
    refusals: Family<CodeLabels, Counter>,
    last_refusals: RefusalHistory,
    executions: Family<PathLabels, Counter>,
    prepared: Family<ResultLabels, Counter>,
    lookups: Family<ResultLabels, Counter>,
    store_bytes: Gauge,
    store_rosters: Gauge,
    evictions: Counter,
    batches: Counter,
    batch_keys: Counter,
    upstream_calls: Family<OutcomeLabels, Counter>,
    upstream_duration: Histogram,
    drift: Family<KindLabels, Counter>,
    retries: Counter,
    breaker_open: Gauge,
    breaker_trips: Counter,
    budget_refusals: Family<ReasonLabels, Counter>,
    ledger_writes: Family<ResultLabels, Counter>,
    credential_refused: Gauge,
    jwks_fetches: Family<ResultLabels, Counter>,
    audit: AuditMetrics,
    cluster: ClusterMetrics,
    live: LiveMetrics,
    listener: ListenerMetrics,
    process: ProcessMetrics,
    traces: TraceMetrics,
    invalidations: Family<ResultLabels, Counter>,
    cache_tags: CacheTagMetrics,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PathLabels {
    path: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        // From a cached response to the request timeout.
        let seconds = [0.000_25, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0];
        let mut metrics = Self {
            registry: Registry::with_prefix("flowmatix"),
            requests: Family::default(),
            request_duration: Histogram::new(seconds),
            refusals: Family::default(),
            last_refusals: RefusalHistory::default(),
            executions: Family::default(),
            prepared: Family::default(),
            lookups: Family::default(),
            store_bytes: Gauge::default(),
            store_rosters: Gauge::default(),
            evictions: Counter::default(),
            batches: Counter::default(),
            batch_keys: Counter::default(),
            upstream_calls: Family::default(),
            upstream_duration: Histogram::new(seconds),
            drift: Family::default(),
            retries: Counter::default(),
            breaker_open: Gauge::default(),
            breaker_trips: Counter::default(),
            budget_refusals: Family::default(),
            ledger_writes: Family::default(),
            credential_refused: Gauge::default(),
            jwks_fetches: Family::default(),
            audit: AuditMetrics::default(),
            cluster: ClusterMetrics::default(),
            live: LiveMetrics::default(),
            listener: ListenerMetrics::default(),
            process: ProcessMetrics::default(),
            traces: TraceMetrics::default(),
            invalidations: Family::default(),
            cache_tags: CacheTagMetrics::default(),
        };
        metrics.register();
        metrics.cluster.register(&mut metrics.registry);
        // From the start, so that an alert on the first failure sees it rise from 0.
        for family in [&metrics.ledger_writes, &metrics.jwks_fetches] {
            for ok in [true, false] {
                let _ = family.get_or_create(&ResultLabels { result: outcome(ok) });
            }
        }
        for result in ["soft", "hard", "refused"] {
            let _ = metrics.invalidations.get_or_create(&ResultLabels { result });
        }
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "GraphQL requests by kind of operation and outcome", self.requests.clone());
        registry.register(
            "request_duration_seconds",
            "Time from a GraphQL request's last byte to its answer's first, in seconds",
            self.request_duration.clone(),
        );
        registry.register("refused_requests", "Requests refused before they ran, by error code", self.refusals.clone());
        registry.register(
            "operation_cache_lookups",
            "Look-ups in the operation cache, by result: hit or miss",
            self.prepared.clone(),
        );
        registry.register("executions", "Operations executed, by the path that did it", self.executions.clone());
        registry.register(
            "roster_lookups",
            "Rosters asked for, by where they came from: hit, stale, miss, coalesced or error",
            self.lookups.clone(),
        );
        registry.register("roster_store_bytes", "Memory held by stored rosters, in bytes", self.store_bytes.clone());
        registry.register("roster_store_rosters", "Rosters in the store", self.store_rosters.clone());
        let help = "Rosters that were dropped because the store was full";
        registry.register("roster_store_evictions", help, self.evictions.clone());
        registry.register("loader_batches", "Batches of the requests' dataloaders", self.batches.clone());
        registry.register("loader_batch_keys", "Accounts asked for in those batches", self.batch_keys.clone());
        registry.register("upstream_calls", "Calls made to the upstream, by outcome", self.upstream_calls.clone());
        registry.register(
            "upstream_call_duration_seconds",
            "Time from a call to its whole answer or its failure, in seconds",
            self.upstream_duration.clone(),
        );
        registry.register(
            "upstream_drift",
            "Fields and values from the upstream that this version does not know, by kind",
            self.drift.clone(),
        );
        registry.register("upstream_retries", "Calls that were made again", self.retries.clone());
        registry.register(
            "upstream_breaker_open",
            "1 while the upstream is only called to see whether it is back",
            self.breaker_open.clone(),
        );
        registry.register("upstream_breaker_trips", "How often the breaker has opened", self.breaker_trips.clone());
        registry.register(
            "budget_refusals",
            "Loads that were not started, by what of the budget was spent",
            self.budget_refusals.clone(),
        );
        registry.register(
            "upstream_credential_refused",
            "1 while the upstream does not accept the credential that the server holds",
            self.credential_refused.clone(),
        );
        registry.register(
            "budget_ledger_writes",
            "Writes of the ledger file, by result: ok or failed",
            self.ledger_writes.clone(),
        );
        registry.register(
            "jwks_fetches",
            "Fetches of the token issuer's keys, by result: ok or failed",
            self.jwks_fetches.clone(),
        );
        self.audit.register(registry);
        self.live.register(registry);
        self.listener.register(registry);
        self.process.register(registry);
        self.cache_tags.register(registry);
        self.traces.register(registry);
        registry.register(
            "invalidations",
            "Invalidations that were asked for, by result: soft, hard or refused",
            self.invalidations.clone(),
        );
    }

    /// Counts an answered GraphQL request: its kind (`query`, `mutation`, `introspection`, `none`) and outcome (`ok`, `partial`, `refused`).
    pub fn answered(&self, operation: &'static str, outcome: &'static str, elapsed: Duration) {
        self.requests.get_or_create(&RequestLabels { operation, outcome }).inc();
        self.request_duration.observe(elapsed.as_secs_f64());
    }

    /// Counts a request that was refused before it ran, by error code.
    pub fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&CodeLabels { code }).inc();
        self.last_refusals.add(code);
    }

    /// The codes of the last requests that were refused, and how long ago that was, the last one first.
    #[must_use]
    pub fn last_refusals(&self) -> Vec<(&'static str, Duration)> {
        self.last_refusals.last()
    }

    /// Counts a look-up in the operation cache (`hit`, `miss`).
    pub fn prepared(&self, result: &'static str) {
        self.prepared.get_or_create(&ResultLabels { result }).inc();
    }

    /// Counts an executed operation by path (`projection`, `response_cache`, `live`; `engine`: async-graphql).
    pub fn executed(&self, path: &'static str) {
        self.executions.get_or_create(&PathLabels { path }).inc();
    }

    /// Counts a roster look-up by its cache result.
    pub fn looked_up(&self, result: &'static str) {
        self.lookups.get_or_create(&ResultLabels { result }).inc();
    }

    /// Sets the size of the roster store.
    pub fn stored(&self, rosters: u64, bytes: u64) {
        self.store_rosters.set(i64::try_from(rosters).unwrap_or(i64::MAX));
        self.store_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Counts a roster that was dropped because the store was full.
    pub fn evicted(&self) {
        self.evictions.inc();
    }

    /// Counts a dataloader batch and its keys.
    pub fn batched(&self, keys: usize) {
        self.batches.inc();
        self.batch_keys.inc_by(keys as u64);
    }

    /// Counts an upstream call by outcome.
    pub fn called(&self, outcome: &'static str, elapsed: Duration) {
        self.upstream_calls.get_or_create(&OutcomeLabels { outcome }).inc();
        self.listener.called();
        self.upstream_duration.observe(elapsed.as_secs_f64());
    }

    /// Counts a retry.
    pub fn retried(&self) {
        self.retries.inc();
    }

    /// Records that the breaker has opened or closed.
    pub fn breaker(&self, open: bool) {
        self.breaker_open.set(i64::from(open));
        if open {
            self.breaker_trips.inc();
        }
    }

    /// Counts a load that the budget refused, by reason: `plan`, `reserve`, `share` or `blocked`.
    pub fn budget_refused(&self, reason: &'static str) {
        self.budget_refusals.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Records whether the upstream refuses the credential that the server holds.
    pub fn credential_refused(&self, refused: bool) {
        self.credential_refused.set(i64::from(refused));
    }

    /// Counts a write of the ledger file.
    pub fn ledger_written(&self, ok: bool) {
        self.ledger_writes.get_or_create(&ResultLabels { result: outcome(ok) }).inc();
    }

    /// Counts a fetch of the issuer's keys.
    pub fn jwks_fetched(&self, ok: bool) {
        self.jwks_fetches.get_or_create(&ResultLabels { result: outcome(ok) }).inc();
    }

    /// Counts an invalidation by its result (`soft`, `hard`, `refused`).
    pub fn invalidated(&self, result: &'static str) {
        self.invalidations.get_or_create(&ResultLabels { result }).inc();
    }

    /// Records whether a connection to the cluster's tier is up.
    pub fn tier_up(&self, connection: &'static str, up: bool) {
        self.cluster.set_up(connection, up);
    }

    /// Counts a round trip to the cluster's tier.
    pub fn tier_called(&self, ok: bool, elapsed: Duration) {
        self.cluster.called(ok, elapsed);
    }

    /// Sets how many calls of the plan this replica holds and has not used.
    pub fn leases_held(&self, calls: u32) {
        self.cluster.held(calls);
    }

    /// Counts a call of those that are kept for when the tier is away.
    pub fn spent_offline(&self) {
        self.cluster.spent_offline();
    }

    /// Counts a look-up in the second level of rosters, by result: `hit`, `miss`, `waited` or `away`.
    pub fn second_level(&self, result: &'static str) {
        self.cluster.second_level(result);
    }

    /// Counts deviations from the documented upstream response, by kind.
    pub fn drifted(&self, kind: &'static str, count: usize) {
        if count > 0 {
            self.drift.get_or_create(&KindLabels { kind }).inc_by(count as u64);
        }
    }

    /// The metrics of the audit log.
    #[must_use]
    pub fn audit(&self) -> &AuditMetrics {
        &self.audit
    }

    /// The metrics of live teams.
    #[must_use]
    pub fn live(&self) -> &LiveMetrics {
        &self.live
    }

    /// The metrics of the public listener.
    #[must_use]
    pub fn listener(&self) -> &ListenerMetrics {
        &self.listener
    }

    /// The metrics of the process.
    #[must_use]
    pub fn process(&self) -> &ProcessMetrics {
        &self.process
    }

    /// The metrics of cache tags.
    #[must_use]
    pub fn cache_tags(&self) -> &CacheTagMetrics {
        &self.cache_tags
    }

    /// The metrics of traces.
    #[must_use]
    pub fn traces(&self) -> &TraceMetrics {
        &self.traces
    }

    /// All metrics in the text exposition format (OpenMetrics 1.0).
    #[must_use]
    pub fn exposition(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn outcome(ok: bool) -> &'static str {
    if ok { "ok" } else { "failed" }
}
