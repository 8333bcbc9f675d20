//! The reservation of one load: calls reserved in its credential's ledger and, while the credential has not been
//! accepted, in the total of all unaccepted credentials too. A call is recorded in both before it is made.

use super::exhausted::BudgetExhausted;
use super::recorded::{RecordedCall, Reservation};
use crate::upstream::Need;
use tokio::time::Instant;

pub(in crate::upstream) struct LoadReservation {
    pub(super) own: Reservation,
    pub(super) unaccepted: Option<Reservation>,
}

/// A call that is under way. Dropped, it has ended, and counts for a window from then on.
pub(in crate::upstream) struct OpenCall {
    own: RecordedCall,
    unaccepted: Option<RecordedCall>,
}

impl LoadReservation {
    /// Records one call, which ends at `latest_end` at the latest.
    pub(in crate::upstream) fn commit(&mut self, latest_end: Instant) -> Result<OpenCall, BudgetExhausted> {
        let own = self.own.commit(latest_end)?;
        match self.unaccepted.as_mut().map(|total| total.commit(latest_end)).transpose() {
            Ok(unaccepted) => Ok(OpenCall { own, unaccepted }),
            Err(exhausted) => {
                own.cancel();
                Err(exhausted)
            }
        }
    }

    /// Reserves `n` more calls.
    pub(in crate::upstream) fn extend(&mut self, n: u32, need: Need) -> Result<(), BudgetExhausted> {
        // The total first, as in `Budget::reserve`.
        let before = self.own.calls();
        if let Some(total) = &mut self.unaccepted {
            total.extend(n, Need::Missing)?;
        }
        let extended = self.own.extend(n, need);
        if let (Err(_), Some(total)) = (&extended, &mut self.unaccepted) {
            total.keep(before);
        }
        extended
    }

    /// Gives back all but `n` calls.
    pub(in crate::upstream) fn keep(&mut self, n: u32) {
        self.own.keep(n);
        if let Some(total) = &mut self.unaccepted {
            total.keep(n);
        }
    }

    /// Calls that may be made.
    pub(in crate::upstream) fn calls(&self) -> u32 {
        self.own.calls()
    }
}

impl OpenCall {
    /// The call was not made: it could not be written down.
    pub(in crate::upstream) fn cancel(self) {
        self.own.cancel();
        if let Some(total) = self.unaccepted {
            total.cancel();
        }
    }
}
