//! The metrics of the public listener: TLS, and what comes in and goes out.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// The metrics of the public listener.
pub struct ListenerMetrics {
    handshakes: Family<ResultLabels, Counter>,
    certificate_expiry: Gauge,
}

impl Default for ListenerMetrics {
    fn default() -> Self {
        let metrics = Self { handshakes: Family::default(), certificate_expiry: Gauge::default() };
        // From the start, so that an alert on the first failure sees it rise from 0.
        for result in ["ok", "failed", "timeout"] {
            let _ = metrics.handshakes.get_or_create(&ResultLabels { result });
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
