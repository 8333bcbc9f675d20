//! Announcing: audit log and trace know an operation before anything is loaded for it, so that they do whatever becomes of it.

use super::audited_operation::{AuditedOperation, OperationSlot, shown};
use super::validated_request::ValidatedRequest;
use crate::telemetry::Trace;

/// Has the audit log know what a request runs, where it is audited.
pub(super) fn to_audit(request: &ValidatedRequest, slot: Option<&OperationSlot>) {
    let Some(slot) = slot else { return };
    if let Some(operation) = AuditedOperation::of(request) {
        let _ = slot.set(operation);
    }
}

/// Has the span of the current task know what it is about: one operation, and no batch.
pub(super) fn to_trace(request: &ValidatedRequest) {
    Trace::write(|span| {
        if let Some(operation) = request.operation() {
            let name = operation.name.as_ref().map(|name| shown(name.as_str()));
            span.operation(operation.operation_type.name(), name);
        }
    });
}
