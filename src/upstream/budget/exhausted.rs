//! The refusal of a call by the budget: the reason, and the earliest instant at which a call may be made.

use tokio::time::Instant;

/// Why a call may not be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::upstream) struct BudgetExhausted {
    /// `plan`, `reserve`, `share` or `blocked`; with other replicas `joining`, `unsure` or `away`, too.
    pub(in crate::upstream) reason: &'static str,
    /// The earliest instant at which it may.
    pub(in crate::upstream) available_at: Instant,
    /// Whether a reservation that is given back would be enough.
    pub(in crate::upstream) reserved: bool,
}
