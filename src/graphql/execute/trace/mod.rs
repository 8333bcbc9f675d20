//! Federated tracing (ftv1): what a router asks for with `apollo-federation-include-trace: ftv1`.
//!
//! The trace is made from the answer, the document and three instants, so that it is the same whichever way the answer was
//! made, and costs nothing where it is not asked for. `tracing` is the entry point.

mod errors;
mod messages;
mod nodes;
mod selections;
mod tracing;
mod writer;

pub(super) use tracing::{TraceTimes, Tracing};
