//! The ledger as the cluster sees it: implements `SpendingSource`, so that leases report this replica's spending to the
//! others. Of the payers, those that have spent most are reported.

use tokio::time::Instant;

use super::ledger::Ledger;
use crate::cluster::SpendingSource;

/// Payers that other replicas are told of: those that have spent most.
const PAYERS_LIMIT: usize = 64;

impl SpendingSource for Ledger {
    fn ends(&self) -> Vec<Instant> {
        Self::ends(self)
    }

    fn payers(&self) -> Vec<(u64, u32)> {
        let mut payers = self.spent_by_payers();
        payers.sort_unstable_by_key(|(_, calls)| std::cmp::Reverse(*calls));
        payers.truncate(PAYERS_LIMIT);
        payers
    }

    fn spendable(&self) -> u32 {
        self.policy().spendable()
    }
}
