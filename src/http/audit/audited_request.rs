//! A request that is audited: what is known of it as it goes on, and its records when its outcome is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::auditor::Auditor;
use super::record::AuditRecord;
use crate::graphql::{AuditedOperation, Code, GraphQlResponse, OperationSlot, Reference};
use crate::http::log_names::RecordedGrants;
use crate::http::request_id::RequestId;
use crate::model::{Caller, Grants};

/// Where a request's audit is found once it has one.
pub(in crate::http) type AuditSlot = OnceLock<Arc<AuditedRequest>>;

/// A request, from its authentication to its outcome. Dropped before that, it was given up.
pub(in crate::http) struct AuditedRequest {
    auditor: Arc<Auditor>,
    id: RequestId,
    transport: &'static str,
    caller: OnceLock<String>,
    asked: Mutex<Vec<AskedOperation>>,
    is_recorded: AtomicBool,
}

/// One operation of a request.
#[derive(Clone)]
pub(super) struct AskedOperation {
    /// The name of its document.
    hash: String,
    grants: Arc<RecordedGrants>,
    /// Its operation, from its validation on.
    operation: OperationSlot,
}

/// The outcome of an operation.
pub(super) struct Ended<'e> {
    pub(super) event: &'static str,
    /// Where it is another one than the request's.
    pub(super) transport: Option<&'static str>,
    pub(super) kind: &'static str,
    pub(super) rows: usize,
    pub(super) events: Option<u64>,
    pub(super) outcome: &'static str,
    pub(super) codes: &'e [&'static str],
    pub(super) reason: Option<&'static str>,
}

impl AuditedRequest {
    pub(in crate::http) fn new(auditor: Arc<Auditor>, id: RequestId, transport: &'static str) -> Arc<Self> {
        let (caller, asked, is_recorded) = (OnceLock::new(), Mutex::default(), AtomicBool::new(false));
        Arc::new(Self { auditor, id, transport, caller, asked, is_recorded })
    }

    /// The caller was let in.
    pub(in crate::http) fn identified(&self, caller: &Caller) {
        let _ = self.caller.set(self.auditor.caller(&caller.id));
    }

    /// It asks for an operation, which is to be told of there; what is granted for it is recorded.
    pub(in crate::http) fn ask(
        &self,
        document: &Reference,
        grants: Arc<dyn Grants>,
    ) -> (Arc<dyn Grants>, Option<OperationSlot>) {
        let (grants, operation) = (RecordedGrants::all(grants), OperationSlot::default());
        let asked = AskedOperation {
            hash: self.auditor.operation(document),
            grants: grants.clone(),
            operation: operation.clone(),
        };
        self.asked.lock().push(asked);
        (grants, Some(operation))
    }

    /// Its operations were answered, each by its own answer, or all by one refusal.
    pub(in crate::http) fn answered(&self, answers: &[AuditedAnswer]) {
        self.record_each(|n| answers.get(n).or(answers.first()).map_or(CANCELLED, AuditedAnswer::ended));
    }

    /// It was refused as a whole.
    pub(in crate::http) fn refused(&self, code: Code) {
        let codes = [code.name()];
        self.record_each(|_| Ended { outcome: "refused", codes: &codes, ..CANCELLED });
    }

    fn record_each<'e>(&self, ended: impl Fn(usize) -> Ended<'e>) {
        let asked = self.take();
        match asked.as_slice() {
            [] => self.record(None, &ended(0)),
            asked => asked.iter().enumerate().for_each(|(n, asked)| self.record(Some(asked), &ended(n))),
        }
    }

    /// Takes the operations that it has asked for. Nothing else is recorded of it when it is dropped.
    pub(super) fn take(&self) -> Vec<AskedOperation> {
        self.is_recorded.store(true, Ordering::Relaxed);
        std::mem::take(&mut *self.asked.lock())
    }

    pub(super) fn record(&self, asked: Option<&AskedOperation>, ended: &Ended<'_>) {
        let operation = asked.and_then(|asked| asked.operation.get());
        self.auditor.write(&AuditRecord {
            time: Auditor::time(),
            event: ended.event,
            request_id: self.id.text(),
            transport: ended.transport.unwrap_or(self.transport),
            caller: self.caller.get().map(String::as_str),
            accounts: asked.map_or_else(Vec::new, |asked| self.auditor.accounts(&asked.grants)),
            operation_name: operation.and_then(AuditedOperation::name),
            operation_hash: asked.map(|asked| asked.hash.as_str()),
            operation_type: ended.kind,
            personal_data: operation.map_or(&[], AuditedOperation::personal_data),
            rows: ended.rows,
            events: ended.events,
            outcome: ended.outcome,
            codes: ended.codes,
            reason: ended.reason,
        });
    }
}

impl Drop for AuditedRequest {
    fn drop(&mut self) {
        if !self.is_recorded.load(Ordering::Relaxed) {
            self.record_each(|_| CANCELLED);
        }
    }
}

/// A request that was given up.
const CANCELLED: Ended<'static> = Ended {
    event: "request",
    transport: None,
    kind: "none",
    rows: 0,
    events: None,
    outcome: "cancelled",
    codes: &[],
    reason: None,
};

/// An answer as a record has it.
pub(in crate::http) struct AuditedAnswer {
    kind: &'static str,
    rows: usize,
    outcome: &'static str,
    codes: Vec<&'static str>,
}

impl AuditedAnswer {
    /// Takes it out of the answer.
    pub(in crate::http) fn take(answer: &mut GraphQlResponse) -> Self {
        Self {
            kind: answer.kind,
            rows: answer.rows,
            outcome: answer.outcome(),
            codes: std::mem::take(&mut answer.codes),
        }
    }

    fn ended(&self) -> Ended<'_> {
        let Self { kind, rows, outcome, .. } = *self;
        Ended { kind, rows, outcome, codes: &self.codes, ..CANCELLED }
    }
}
