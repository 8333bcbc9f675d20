//! How much of the vendor's plan may be spent.

use std::path::PathBuf;

section! {
    /// How many calls may be made of the plan that Flowmatix sells by the hour.
    pub struct BudgetConfig in "budget" {
        /// How many calls an hour the plan allows: 1,000 (standard), 5,000 (pro) or 10,000 (enterprise).
        pub calls_per_hour: u32 = 1_000,
        /// The share of the plan that is spent at most, in any sliding hour; the rest is for whoever else uses the account.
        pub utilization: f64 = 0.95,
        /// Whether each credential has a plan of its own, or all that call the host share one.
        pub scope: BudgetScope = BudgetScope::Credential,
        /// The share of that which is kept for teams that are not there yet.
        pub reserve_ratio: f64 = 0.1,
        /// Where several callers share a plan: the share that one may spend of what the others have left.
        pub max_caller_ratio: f64 = 0.8,
        /// The file that remembers the last hour's calls over a restart. Without one a restart forgets them.
        pub file: Option<PathBuf> = None,
    }
}

names! {
    /// Whose plan it is.
    pub enum BudgetScope {
        /// Each credential's own.
        Credential = "credential",
        /// One for all that call the host.
        Host = "host",
    }
}
