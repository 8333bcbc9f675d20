//! The policy of the budget: how much of a plan may be spent, and on which calls. A part is never spent, a part of the
//! rest is kept for rosters that are not loaded yet, and callers who share a credential share what is left.

use std::time::Duration;

use crate::config;

/// The limits of a plan in each window.
#[derive(Clone, Copy, Debug)]
pub(super) struct BudgetPolicy {
    plan: u32,
    utilization: f64,
    reserve_ratio: f64,
    max_caller_ratio: f64,
    pub(super) window: Duration,
}

impl BudgetPolicy {
    pub(super) fn new(settings: &config::BudgetConfig) -> Self {
        Self {
            plan: settings.calls_per_hour,
            utilization: settings.utilization,
            reserve_ratio: settings.reserve_ratio,
            max_caller_ratio: settings.max_caller_ratio,
            window: settings.window,
        }
    }

    /// Calls that may be made in a window.
    pub(super) fn spendable(&self) -> u32 {
        part(self.plan, self.utilization).max(1)
    }

    /// Calls that may be made in a window for rosters that are there already.
    pub(super) fn for_refreshing(&self) -> u32 {
        let spendable = self.spendable();
        spendable - part(spendable, self.reserve_ratio)
    }

    /// The share of one caller while the others have spent so much: a part of what is left, so that the next caller finds
    /// something, and callers with equal demand get equal shares.
    pub(super) fn share(&self, spent_by_others: u32) -> u32 {
        part(self.spendable().saturating_sub(spent_by_others), self.max_caller_ratio).max(1)
    }

    /// The part of the vendor's own count that is not spent.
    pub(super) fn headroom(&self, limit: Option<u32>) -> u32 {
        limit.map_or(0, |limit| limit - part(limit, self.utilization))
    }
}

fn part(of: u32, ratio: f64) -> u32 {
    (f64::from(of) * ratio).floor() as u32
}
