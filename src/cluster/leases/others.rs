//! The spending of other replicas from a ledger, summed up. A ledger counts it as its own when it decides whether a
//! call may be made.

use tokio::time::Instant;

/// The spending of other replicas from a ledger, as far as it is known here.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// The calls that count.
    pub calls: u32,
    /// How many of them count because it is unknown what was spent, and until when.
    pub unknown: (u32, Option<Instant>),
    /// When the first of the others no longer does.
    pub first_expiry: Option<Instant>,
}

impl Others {
    /// When the first of all these calls no longer counts.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Instant> {
        self.first_expiry.into_iter().chain(self.unknown.1).min()
    }
}
