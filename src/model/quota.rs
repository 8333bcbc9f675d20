//! Quota figures of a credential's plan, as plain data that `upstream` produces and `roster`, `loader` and `graphql` pass on.

use std::time::Duration;

/// How short a plan is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pressure {
    /// By how much fresh windows are to be stretched, so that the plan does not run dry: 1 while there is plenty.
    pub stretch: f64,
    /// Whether so little is left that no caller gets anything younger than usual.
    pub low: bool,
}

impl Pressure {
    /// There is plenty.
    pub const NONE: Self = Self { stretch: 1.0, low: false };
}

/// The calls that refreshing rosters may spend in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RefreshPlan {
    /// Calls in a window.
    pub calls: u32,
    /// The length of the window.
    pub window: Duration,
    /// Whether all credentials share the plan.
    pub shared: bool,
}

/// Whether a plan has room for calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanRoom {
    /// The calls that are asked for.
    pub wanted: u32,
    /// The calls that are left.
    pub left: u32,
}

/// The rest of a caller's share of the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetShare {
    /// Calls in a window.
    pub limit: u32,
    /// Calls that are left of them.
    pub remaining: u32,
    /// Until a call no longer counts, or the vendor's window ends; zero when nothing is spent.
    pub reset: Duration,
    /// The length of the window.
    pub window: Duration,
}

impl BudgetShare {
    /// `reset` in whole seconds, rounded up.
    #[must_use]
    pub fn reset_seconds(&self) -> u64 {
        self.reset.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
    }
}
