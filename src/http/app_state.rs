//! The state that every request of the public listener shares, and where streams, which live longer than one configuration,
//! find the newest.

use std::sync::{Arc, Weak};

use parking_lot::RwLock;

use super::audit::AuditedRequest;
use super::request_id::RequestId;
use super::{AdmissionControl, Auditor, Health, LiveStreams, LogNames, Plans};
use crate::auth::Authenticator;
use crate::config;
use crate::graphql::Engine;
use crate::telemetry::{Metrics, Traces};

/// The state of the public listener, by one configuration.
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
    pub admission: Arc<AdmissionControl>,
    /// Bounds subscriptions.
    pub live: Arc<LiveStreams>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Begins the traces of requests.
    pub traces: Traces,
    /// Whether the explorer shows how a permanent token is issued.
    pub shows_tokens: bool,
    /// Names operations and accounts in the log.
    pub log_names: LogNames,
    /// Writes the audit log, where there is one.
    pub audit: Option<Arc<Auditor>>,
    /// Whose plans are spent.
    pub plans: Plans,
    /// Where streams find the state of a later configuration.
    pub latest: Latest,
}

/// Where the newest state is found. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Latest(Arc<RwLock<Weak<AppState>>>);

impl Latest {
    /// Makes this the newest state.
    pub fn set(&self, state: &Arc<AppState>) {
        *self.0.write() = Arc::downgrade(state);
    }

    fn get(&self) -> Option<Arc<AppState>> {
        self.0.read().upgrade()
    }
}

impl AppState {
    /// The audit of a request, where there is an audit log.
    pub(in crate::http) fn audit(&self, id: RequestId, transport: &'static str) -> Option<Arc<AuditedRequest>> {
        Some(AuditedRequest::new(self.audit.clone()?, id, transport))
    }

    /// The newest state; this one where there is no other.
    pub(in crate::http) fn latest(self: &Arc<Self>) -> Arc<Self> {
        self.latest.get().unwrap_or_else(|| self.clone())
    }
}
