//! What the others have spent of a ledger, summed up for who counts with it.

use tokio::time::Instant;

/// What others have spent of a ledger, as far as is known here.
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
