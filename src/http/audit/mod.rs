//! Audit: who read which team. Each GraphQL request that comes as far as its authentication becomes a record for each of its
//! operations, whatever becomes of it, and each subscription one at its begin and one at its end.

mod audited_request;
mod audited_stream;
mod auditor;
mod record;

pub(super) use audited_request::{AuditSlot, AuditedAnswer, AuditedRequest};
pub(super) use audited_stream::AuditedStream;
pub use auditor::Auditor;
