//! A plan that other replicas spend, too: what they have spent counts as well, and a call is made only under a lease.

use std::sync::Arc;

use tokio::time::Instant;

use super::exhausted::BudgetExhausted;
use super::ledger_state::Payer;
use crate::cluster::{LeasedCall, Leases, NoLease};

/// The notice that a vendor has asked for a pause.
pub(super) const PAUSE: &str = "pause";

/// A ledger's place in the cluster.
pub(super) struct SharedPlan {
    leases: Arc<Leases>,
    name: Arc<str>,
}

/// The spending of other replicas.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Elsewhere {
    /// Calls that count.
    pub(super) calls: u32,
    /// The payer's own of them.
    pub(super) own: u32,
    /// How many of all count because it is unknown what was spent, and until when.
    pub(super) unknown: (u32, Option<Instant>),
    /// When the first of the others no longer counts.
    pub(super) first_expiry: Option<Instant>,
}

impl Elsewhere {
    /// When the first of all these calls no longer counts.
    pub(super) fn next_expiry(self) -> Option<Instant> {
        self.first_expiry.into_iter().chain(self.unknown.1).min()
    }
}

impl SharedPlan {
    pub(super) fn new(leases: Arc<Leases>, name: Arc<str>) -> Self {
        Self { leases, name }
    }

    pub(super) fn elsewhere(&self, payer: Option<Payer>) -> Elsewhere {
        let others = self.leases.others(&self.name);
        let own = payer.map_or(0, |payer| self.leases.spent_with_others(&self.name, payer)).min(others.calls);
        Elsewhere { calls: others.calls, own, unknown: others.unknown, first_expiry: others.first_expiry }
    }

    pub(super) fn would_acquire(&self) -> Result<(), BudgetExhausted> {
        self.leases.would_acquire(&self.name).map_err(BudgetExhausted::from)
    }

    pub(super) async fn acquire(&self) -> Result<LeasedCall, BudgetExhausted> {
        self.leases.acquire(&self.name).await.map_err(BudgetExhausted::from)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl From<NoLease> for BudgetExhausted {
    fn from(none: NoLease) -> Self {
        let reason = if none.reason == "spent" { "plan" } else { none.reason };
        Self { reason, available_at: none.available_at, reserved: false }
    }
}
