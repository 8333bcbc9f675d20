//! The section `budget`: the vendor's plan, and the parts of it that may be spent.

use std::path::PathBuf;
use std::time::Duration;

section! {
    /// How many upstream calls may be made of the plan that Flowmatix sells by the hour.
    pub struct BudgetConfig in "budget" {
        /// The plan's calls in each `budget.window`: 1,000 (standard), 5,000 (pro) or 10,000 (enterprise).
        pub calls_per_hour: u32 = 1_000,
        /// The sliding window in which calls are counted.
        pub window: Duration = Duration::from_secs(3600),
        /// The part of the plan that may be spent in any sliding window; the rest is for other users of the account.
        pub utilization: f64 = 0.95,
        /// Whether each credential has its own plan, or all credentials share one.
        pub scope: BudgetScope = BudgetScope::Credential,
        /// The part of the budget that is reserved for teams that are not cached.
        pub reserve_ratio: f64 = 0.1,
        /// Where callers share a plan: the part that one caller may spend of what the others have left.
        pub max_caller_ratio: f64 = 0.8,
        /// The ledger file, which keeps the calls of the last window over a restart. Without one a restart forgets them.
        pub file: Option<PathBuf> = None,
    }
}

names! {
    /// The owner of a plan.
    pub enum BudgetScope {
        /// Each credential.
        Credential = "credential",
        /// The host: all credentials share one plan.
        Host = "host",
    }
}
