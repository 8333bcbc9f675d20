//! The state that every request of the public listener shares.

use std::sync::Arc;

use super::{AdmissionControl, Health, LiveStreams, LogNames};
use crate::auth::Authenticator;
use crate::config;
use crate::graphql::Engine;
use crate::telemetry::Metrics;

/// What the public listener needs to answer requests.
pub struct AppState {
    /// Executes requests.
    pub engine: Engine,
    /// Authenticates callers.
    pub auth: Authenticator,
    /// The settings of the listener.
    pub settings: config::HttpConfig,
    /// Whether the service is draining.
    pub health: Arc<Health>,
    /// Sheds load.
    pub admission: AdmissionControl,
    /// Bounds subscriptions.
    pub live: Arc<LiveStreams>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Whether the explorer shows how a permanent token is issued.
    pub shows_tokens: bool,
    /// Names operations and accounts in the log.
    pub log_names: LogNames,
}
