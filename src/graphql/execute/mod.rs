//! Execution: a plan and the rosters it reads become the bytes of a response.
//!
//! `engine` is the entry point and documents the steps.

mod announce;
mod answer_body;
mod answer_errors;
mod answer_tags;
mod arguments;
mod audited_operation;
mod bench_hooks;
mod changes;
mod engine;
mod engine_document;
mod entity_list;
mod executable_schema;
mod extensions;
mod failures;
mod introspection;
mod invalidate;
mod live;
mod loaded_request;
mod lookups;
mod offload;
mod prepare;
mod project;
mod response;
mod response_cache;
mod succession;
mod trace;
mod validated_request;
mod write;

pub use answer_body::AnswerBody;
pub use audited_operation::{AuditedOperation, OperationSlot};
pub use bench_hooks::{BenchDocument, BenchQuestion, BenchSteps, BenchValidDocument};
pub use engine::{Engine, Request, Settings};
pub use live::{Delivery, EventSummary, LiveRequest, LiveSubscription, Started};
pub use response::{Class, GraphQlResponse};
