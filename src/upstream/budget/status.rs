//! The status of the ledgers: the plans that are paused, and the spending of each caller of a shared plan.

use super::budget::Budget;
use super::ledger::Ledger;
use super::ledgers::LedgerOwner;
use crate::model::{Pause, PauseReason, SpentShare, UpstreamStatus};

/// Of so many ledgers it is told; of more, some are left out.
const TOLD: usize = 1000;

impl Budget {
    /// Adds what is told of the ledgers.
    pub(in crate::upstream) fn tell(&self, status: &mut UpstreamStatus) {
        let ledgers: Vec<_> = {
            let index = self.ledgers.index.lock();
            index.known.iter().take(TOLD).map(|(owner, (_, ledger))| (owner.clone(), ledger.clone())).collect()
        };
        for (owner, ledger) in ledgers {
            let credential = match owner {
                LedgerOwner::Credential(id) => Some(id),
                LedgerOwner::Host => None,
            };
            let pause = self.pause(&ledger);
            status.pauses.extend(pause.map(|pause| Pause { credential: credential.clone(), ..pause }));
            let limit = self.spendable();
            let share = |(caller, calls)| SpentShare { credential: credential.clone(), caller, calls, limit };
            status.shares.extend(ledger.spent_by_payers().into_iter().map(share));
        }
    }

    /// Why no call of the ledger's plan is made, as far as the vendor has a say in it.
    fn pause(&self, ledger: &Ledger) -> Option<Pause> {
        let now = self.clock.now();
        let state = ledger.current();
        let until = ledger.blocked(&state, 1, now)?;
        let is_asked = state.pause.until(now).is_some();
        let reason = if is_asked { PauseReason::RateLimited } else { PauseReason::VendorQuota };
        Some(Pause { reason, credential: None, left: until.saturating_duration_since(now) })
    }
}
