//! The line that each operation of a WebSocket has in the request log, as a request over HTTP has one, with its outcome where
//! that has a status. Of documents and accounts it has keyed hashes only.

use std::sync::{Arc, OnceLock};

use tokio::time::Instant;

use super::subscription_line::{PATH, SubscriptionLine, millis};
use crate::graphql::{Code, GraphQlResponse, Reference};
use crate::http::AppState;
use crate::http::admission::response_deadline::EndReason;
use crate::http::log_names::{Logged, RecordedGrants};
use crate::http::request_id::is_told;
use crate::model::{Clock, Grants};

const WEBSOCKET: &str = "websocket";

/// The line of one operation of a WebSocket. Dropped before there is an outcome, it says that there was none. Lines name
/// the request that the task works for that writes them.
pub(super) struct OperationLine {
    state: Arc<AppState>,
    started: Instant,
    recorded: OnceLock<Arc<RecordedGrants>>,
    /// Why the socket ends, where it does.
    ends: EndReason,
    is_written: bool,
}

impl OperationLine {
    pub(super) fn begin(state: &Arc<AppState>, ends: &EndReason) -> Self {
        let (state, started) = (state.clone(), Clock::instant());
        Self { state, started, recorded: OnceLock::new(), ends: ends.clone(), is_written: false }
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// The grants to execute the operation with, which remember what the line says of them.
    pub(super) fn record(&self, document: &Reference, grants: Arc<dyn Grants>) -> Arc<dyn Grants> {
        if !is_told() {
            return grants;
        }
        let recorded = self.recorded.get_or_init(|| RecordedGrants::few(grants));
        let _ = recorded.operations.set(self.state.log_names.operation(document));
        recorded.clone()
    }

    /// It was answered.
    pub(super) fn answered(self, answer: &GraphQlResponse) {
        self.write(answer.outcome(), answer.codes.first().copied());
    }

    /// It was refused before it was one of GraphQL, or has come to nothing in time.
    pub(super) fn refused(self, code: Code) {
        self.write("refused", Some(code.name()));
    }

    /// It is a subscription that has begun, whose end has another line.
    pub(super) fn subscribed(self) -> Option<SubscriptionLine> {
        let line = SubscriptionLine::begin(self.started, self.logged());
        self.write("ok", None);
        line
    }

    fn logged(&self) -> Logged {
        self.recorded.get().map(|recorded| self.state.log_names.logged(recorded)).unwrap_or_default()
    }

    fn write(mut self, outcome: &'static str, code: Option<&'static str>) {
        self.is_written = true;
        let Logged { operations, accounts } = self.logged();
        let (operations, accounts, millis) = (operations.as_deref(), accounts.as_deref(), millis(self.started));
        tracing::info!(transport = WEBSOCKET, path = PATH, outcome, code, millis, operations, accounts, "answered");
    }
}

impl Drop for OperationLine {
    fn drop(&mut self) {
        if self.is_written {
            return;
        }
        let Logged { operations, accounts } = self.logged();
        let (operations, accounts, millis) = (operations.as_deref(), accounts.as_deref(), millis(self.started));
        let (transport, path, outcome) = (WEBSOCKET, PATH, "cancelled");
        match self.ends.get().copied().unwrap_or("client") {
            reason @ "client" => {
                tracing::info!(
                    transport,
                    path,
                    outcome,
                    reason,
                    millis,
                    operations,
                    accounts,
                    "given up by its client"
                );
            }
            reason => tracing::info!(transport, path, outcome, reason, millis, operations, accounts, "cut off"),
        }
    }
}

/// A caller was not let in, so that its WebSocket is closed.
pub(super) fn not_let_in(started: Instant, code: Code) {
    let (transport, path, outcome, code) = (WEBSOCKET, PATH, "refused", code.name());
    tracing::info!(transport, path, outcome, code, millis = millis(started), "answered");
}
