//! Limits of streams: how many subscriptions there may be, in all and of one caller, and how they are counted.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config;
use crate::http::admission::busy::busy;
use crate::http::admission::caller_key::CallerKey;
use crate::http::admission::response_deadline::EndReason;
use crate::http::audit::AuditedStream;
use crate::http::response::error::HttpError;
use crate::telemetry::Metrics;

/// All subscriptions of the service.
pub struct LiveStreams {
    pub(super) settings: config::LiveConfig,
    /// Those of earlier settings are in it, too.
    open: Arc<Mutex<OpenSubscriptions>>,
}

#[derive(Default)]
struct OpenSubscriptions {
    all: usize,
    callers: HashMap<CallerKey, usize>,
}

impl LiveStreams {
    /// With the limits of these settings.
    #[must_use]
    pub fn new(settings: &config::LiveConfig) -> Arc<Self> {
        Arc::new(Self { settings: settings.clone(), open: Arc::default() })
    }

    /// Goes on with other settings: what is open stays, and counts.
    #[must_use]
    pub fn with_settings(&self, settings: &config::LiveConfig) -> Arc<Self> {
        Arc::new(Self { settings: settings.clone(), open: self.open.clone() })
    }

    /// Whether subscriptions are served at all.
    pub(in crate::http) fn is_enabled(&self) -> bool {
        self.settings.enabled
    }

    /// Admits one more subscription of this caller. `connection` says why it ends where it ends with others.
    pub(super) fn admit(
        self: &Arc<Self>,
        key: &CallerKey,
        transport: &'static str,
        connection: EndReason,
        metrics: &Arc<Metrics>,
    ) -> Result<SubscriptionPermit, HttpError> {
        let mut open = self.open.lock();
        let known = open.callers.get(key).copied().unwrap_or(0);
        let refused = if open.all >= self.settings.subscriptions_limit {
            Some("too many subscriptions are open")
        } else if known >= self.settings.caller_subscriptions_limit {
            Some("too many subscriptions of this caller are open")
        } else {
            None
        };
        if let Some(message) = refused {
            return Err(busy(message));
        }
        open.all += 1;
        open.callers.insert(key.clone(), known + 1);
        metrics.live().started(transport);
        let (streams, metrics) = (self.clone(), metrics.clone());
        Ok(SubscriptionPermit { streams, key: key.clone(), transport, metrics, connection, reason: None, audit: None })
    }
}

/// A subscription's permit, free again when it is dropped.
pub(super) struct SubscriptionPermit {
    streams: Arc<LiveStreams>,
    key: CallerKey,
    transport: &'static str,
    metrics: Arc<Metrics>,
    connection: EndReason,
    /// Why it ends by itself.
    reason: Option<&'static str>,
    audit: Option<AuditedStream>,
}

impl SubscriptionPermit {
    pub(super) fn end(&mut self, reason: &'static str) {
        self.reason = Some(reason);
    }

    /// Has the subscription audited.
    pub(super) fn audit(&mut self, stream: Option<AuditedStream>) {
        self.audit = stream;
    }

    /// An event was handed to the connection.
    pub(super) fn delivered(&mut self, rows: usize) {
        if let Some(stream) = &mut self.audit {
            stream.delivered(rows);
        }
    }
}

impl Drop for SubscriptionPermit {
    fn drop(&mut self) {
        let reason = self.reason.or_else(|| self.connection.get().copied());
        let reason = reason.unwrap_or("client");
        self.metrics.live().ended(self.transport, reason);
        if let Some(stream) = self.audit.take() {
            stream.end(reason);
        }
        let mut open = self.streams.open.lock();
        open.all -= 1;
        match open.callers.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.callers.remove(&self.key)),
        }
    }
}
