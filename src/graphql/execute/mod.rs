//! Execution: a plan and the rosters it reads become the bytes of a response.
//!
//! `engine` is the entry point and documents the steps.

mod arguments;
mod bench_hooks;
mod engine;
// The engine is handed documents by these next.
#[allow(dead_code)]
mod engine_document;
#[allow(dead_code)]
mod introspection;
mod lookups;
mod project;
mod response;
mod response_cache;
mod validated_request;
mod variables;

pub use bench_hooks::{BenchDocument, BenchQuestion, BenchSteps};
pub use engine::{Engine, Request, Settings};
pub use response::{Class, GraphQlResponse};
