//! The metrics of live teams: subscriptions, their events, and the pollers that feed them.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The metrics of live teams.
pub struct LiveMetrics {
    started: Family<TransportLabels, Counter>,
    active: Family<TransportLabels, Gauge>,
    ended: Family<EndLabels, Counter>,
    sent: Counter,
    suppressed: Counter,
    sockets: Gauge,
    pollers: Gauge,
    lag: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransportLabels {
    transport: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    reason: &'static str,
}

impl Default for LiveMetrics {
    fn default() -> Self {
        let seconds = [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0];
        let metrics = Self {
            started: Family::default(),
            active: Family::default(),
            ended: Family::default(),
            sent: Counter::default(),
            suppressed: Counter::default(),
            sockets: Gauge::default(),
            pollers: Gauge::default(),
            lag: Histogram::new(seconds),
        };
        // From the start, so that what rises is seen to rise from 0.
        for transport in ["sse", "multipart", "websocket"] {
            let _ = metrics.started.get_or_create(&TransportLabels { transport });
            let _ = metrics.active.get_or_create(&TransportLabels { transport });
        }
        for reason in ["client", "rights", "drain", "lifetime", "slow", "silent", "idle", "invalid", "upstream"] {
            let _ = metrics.ended.get_or_create(&EndLabels { reason });
        }
        metrics
    }
}

impl LiveMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("subscriptions_started", "Subscriptions that were begun, by transport", self.started.clone());
        registry.register("subscriptions_active", "Subscriptions that are open, by transport", self.active.clone());
        registry.register("subscriptions_ended", "Subscriptions that have ended, by reason", self.ended.clone());
        registry.register("subscription_events_sent", "Events handed to a connection", self.sent.clone());
        registry.register(
            "subscription_events_suppressed",
            "Changes of a team that changed nothing of what a selection shows, counted for each distinct selection",
            self.suppressed.clone(),
        );
        registry.register("websockets_open", "WebSockets that are open", self.sockets.clone());
        registry.register(
            "roster_pollers",
            "Teams that are read again and again, because someone listens",
            self.pollers.clone(),
        );
        registry.register(
            "subscription_lag_seconds",
            "Time from when a change became known to when its event was handed to a connection, in seconds",
            self.lag.clone(),
        );
    }

    /// A subscription was begun.
    pub fn started(&self, transport: &'static str) {
        self.started.get_or_create(&TransportLabels { transport }).inc();
        self.active.get_or_create(&TransportLabels { transport }).inc();
    }

    /// A subscription has ended.
    pub fn ended(&self, transport: &'static str, reason: &'static str) {
        self.active.get_or_create(&TransportLabels { transport }).dec();
        self.ended.get_or_create(&EndLabels { reason }).inc();
    }

    /// An event was handed to a connection, so long after its change became known.
    pub fn sent(&self, lag: Duration) {
        self.sent.inc();
        self.lag.observe(lag.as_secs_f64());
    }

    /// A change was none for a selection.
    pub fn suppressed(&self) {
        self.suppressed.inc();
    }

    /// A WebSocket was opened.
    pub fn socket_opened(&self) {
        self.sockets.inc();
    }

    /// A WebSocket was closed.
    pub fn socket_closed(&self) {
        self.sockets.dec();
    }

    /// A poller has begun.
    pub fn poller_started(&self) {
        self.pollers.inc();
    }

    /// A poller has ended.
    pub fn poller_ended(&self) {
        self.pollers.dec();
    }
}
