//! The state of a ledger: the calls that count, the reservations, and the vendor's own figures.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::time::Instant;

use super::vendor_quota::VendorQuota;
use crate::upstream::protect::CredentialPause;

/// Whom a call is charged to besides the credential: a caller's name, hashed.
pub(in crate::upstream) type Payer = u64;

#[derive(Default)]
pub(super) struct LedgerState {
    /// Calls that have ended and still count, by their end.
    pub(super) ended: VecDeque<EndedCall>,
    /// Calls under way, by number.
    pub(super) open: BTreeMap<u64, StartedCall>,
    pub(super) next: u64,
    /// Ended and open calls of each payer.
    pub(super) spent_by: HashMap<Payer, u32>,
    pub(super) reserved: u32,
    pub(super) reserved_by: HashMap<Payer, u32>,
    pub(super) pause: CredentialPause,
    pub(super) vendor: VendorQuota,
}

#[derive(Clone, Copy)]
pub(super) struct EndedCall {
    pub(super) at: Instant,
    pub(super) payer: Option<Payer>,
}

pub(super) struct StartedCall {
    /// When it has ended at the latest.
    pub(super) latest_end: Instant,
    pub(super) payer: Option<Payer>,
}

impl LedgerState {
    pub(super) fn counted(&self) -> u32 {
        u32::try_from(self.ended.len() + self.open.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn spent_by(&self, payer: Payer) -> u32 {
        self.spent_by.get(&payer).copied().unwrap_or(0)
    }

    pub(super) fn reserved_by(&self, payer: Payer) -> u32 {
        self.reserved_by.get(&payer).copied().unwrap_or(0)
    }
}

/// Takes `n` from a payer's count.
pub(super) fn subtract(map: &mut HashMap<Payer, u32>, payer: Payer, n: u32) {
    match map.get_mut(&payer) {
        Some(count) if *count > n => *count -= n,
        _ => drop(map.remove(&payer)),
    }
}
