//! The budget: how many calls of the vendor's plan may be spent, and the ledgers of what was spent.
//!
//! `policy` says what may be spent, `ledger` counts it for one credential together with the vendor's own figures
//! (`vendor_quota`), `reservation` is what one load may spend, `budget` decides over all `ledgers`, and `file`
//! (`file_format`) keeps them over a restart. `shared` is for plans that other replicas spend, too, `told` and
//! `probe_claim` are what they tell each other of the vendor.

mod budget;
mod exhausted;
mod file;
mod file_format;
mod ledger;
mod ledger_state;
mod ledgers;
mod policy;
mod probe_claim;
mod recorded;
mod reported;
mod reservation;
mod shared;
mod status;
mod told;
mod vendor_quota;

pub use budget::Budget;
pub(super) use exhausted::BudgetExhausted;
pub use file::InvalidLedger;
pub(super) use ledger::Ledger;
pub(super) use probe_claim::ProbeClaim;
pub(super) use reservation::LoadReservation;
