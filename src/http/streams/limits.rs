//! Limits of streams: how many subscriptions there may be, in all and of one caller, and how they are counted.

use std::sync::Arc;

use parking_lot::Mutex;

use super::stream_outcome::StreamOutcome;
use super::subscription_line::SubscriptionLine;
use crate::compute::Room;
use crate::config;
use crate::graphql::{Code, EventSummary};
use crate::http::admission::busy::busy;
use crate::http::admission::caller_key::CallerKey;
use crate::http::admission::key_counts::KeyCounts;
use crate::http::admission::response_deadline::EndReason;
use crate::http::admission::response_memory::ResponseMemory;
use crate::http::audit::AuditedStream;
use crate::http::graphql::span;
use crate::http::response::error::HttpError;
use crate::telemetry::{HeldSpan, Metrics};

/// All subscriptions of the service.
pub struct LiveStreams {
    pub(super) settings: config::LiveConfig,
    /// Those of earlier settings are in it, too.
    open: Arc<Mutex<OpenStreams>>,
    events: ResponseMemory,
}

#[derive(Default)]
struct OpenStreams {
    /// By caller.
    subscriptions: KeyCounts<CallerKey>,
    /// By address.
    sockets: KeyCounts<CallerKey>,
}

impl LiveStreams {
    /// With the limits of these settings.
    #[must_use]
    pub fn new(settings: &config::LiveConfig) -> Arc<Self> {
        Arc::new(Self { settings: settings.clone(), open: Arc::default(), events: events(settings) })
    }

    /// Goes on with other settings: what is open stays, and counts.
    #[must_use]
    pub fn with_settings(&self, settings: &config::LiveConfig) -> Arc<Self> {
        let is_same = self.settings.events_limit == settings.events_limit;
        let events = if is_same { self.events.clone() } else { events(settings) };
        Arc::new(Self { settings: settings.clone(), open: self.open.clone(), events })
    }

    /// Whether subscriptions are served at all.
    pub(in crate::http) fn is_enabled(&self) -> bool {
        self.settings.enabled
    }

    /// Admits one more WebSocket of this address. There may be as many as there may be subscriptions, whether they have any or not:
    /// a connection of HTTP/2 carries many of them.
    pub(super) fn open_socket(self: &Arc<Self>, address: CallerKey) -> Result<SocketPermit, HttpError> {
        let sockets = &mut self.open.lock().sockets;
        let known = sockets.of(&address);
        if sockets.all() >= self.settings.subscriptions_limit || known >= self.settings.caller_subscriptions_limit {
            return Err(busy("too many WebSockets are open"));
        }
        sockets.add(address.clone());
        Ok(SocketPermit { streams: self.clone(), address })
    }

    /// The room of this caller for events that are kept.
    pub(super) fn room_of(&self, key: &CallerKey) -> Arc<dyn Room> {
        Arc::new(self.events.room_of(key))
    }

    /// Admits one more subscription of this caller. `connection` says why it ends where it ends with others.
    pub(super) fn admit(
        self: &Arc<Self>,
        key: &CallerKey,
        transport: &'static str,
        connection: EndReason,
        metrics: &Arc<Metrics>,
    ) -> Result<SubscriptionPermit, HttpError> {
        if !self.events.has_room(key) {
            return Err(crowded());
        }
        let open = &mut self.open.lock().subscriptions;
        let refused = if open.all() >= self.settings.subscriptions_limit {
            Some("too many subscriptions are open")
        } else if open.of(key) >= self.settings.caller_subscriptions_limit {
            Some("too many subscriptions of this caller are open")
        } else {
            None
        };
        if let Some(message) = refused {
            return Err(busy(message));
        }
        open.add(key.clone());
        metrics.live().started(transport);
        let (streams, metrics) = (self.clone(), metrics.clone());
        let (key, outcome) = (key.clone(), StreamOutcome::default());
        Ok(SubscriptionPermit {
            streams,
            key,
            transport,
            metrics,
            connection,
            reason: None,
            outcome,
            audit: None,
            span: None,
            line: None,
        })
    }
}

/// The refusal of a subscription whose events there is no room for.
pub(super) fn crowded() -> HttpError {
    busy("too many events of this caller are kept")
}

fn events(settings: &config::LiveConfig) -> ResponseMemory {
    ResponseMemory::new(usize::try_from(settings.events_limit.as_u64()).unwrap_or(usize::MAX))
}

/// A WebSocket's permit, free again when it is dropped.
pub(super) struct SocketPermit {
    streams: Arc<LiveStreams>,
    address: CallerKey,
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        self.streams.open.lock().sockets.remove(&self.address);
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
    outcome: StreamOutcome,
    audit: Option<AuditedStream>,
    span: Option<HeldSpan>,
    line: Option<SubscriptionLine>,
}

impl SubscriptionPermit {
    pub(super) fn end(&mut self, reason: &'static str) {
        self.reason = Some(reason);
    }

    /// Has audit log, span and request log told what becomes of the subscription.
    pub(super) fn tell(
        &mut self,
        audit: Option<AuditedStream>,
        span: Option<HeldSpan>,
        line: Option<SubscriptionLine>,
    ) {
        (self.audit, self.span, self.line) = (audit, span, line);
    }

    /// An event was handed to the connection.
    pub(super) fn delivered(&mut self, event: &EventSummary) {
        self.outcome.delivered(event);
    }

    /// It is refused to go on, and its client is told so.
    pub(super) fn refused(&mut self, code: Code) {
        self.outcome.refused(code);
    }
}

impl Drop for SubscriptionPermit {
    fn drop(&mut self) {
        let reason = self.reason.or_else(|| self.connection.get().copied());
        let reason = reason.unwrap_or("client");
        self.metrics.live().ended(self.transport, reason);
        if reason == "rights" && !self.outcome.has_errors() {
            // A socket is closed as a whole, with this.
            self.outcome.refused(Code::Forbidden);
        }
        if let Some(stream) = self.audit.take() {
            stream.end(&self.outcome, reason);
        }
        if let Some(span) = self.span.take() {
            span::ended(&span, &self.outcome, reason);
        }
        if let Some(line) = self.line.take() {
            line.write(self.transport, &self.outcome, reason);
        }
        self.streams.open.lock().subscriptions.remove(&self.key);
    }
}
