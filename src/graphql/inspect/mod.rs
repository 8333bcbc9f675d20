//! Inspection: what can be said of an operation before it is ever sent, for `plan` on the command line.
//!
//! `sources` makes whole documents of clients' files, with the fragments that they use; `inspector` estimates an operation's cost
//! over a usual and over the largest team, and finds the accounts it touches, the scopes it needs and whether it can be cached.

mod inspector;
mod sources;
mod worst_case;

pub use inspector::{Inspector, NotInspected, OperationKind, OperationReport, RefusedCost, TeamShape};
pub use sources::{OperationSource, operation_sources};
