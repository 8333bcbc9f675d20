//! The budget: how many calls of the vendor's plan may be spent, and the ledgers of what was spent.
//!
//! `policy` says what may be spent, `ledger` counts it for one credential together with the vendor's own figures
//! (`vendor_quota`), `reservation` is what one load may spend, `budget` knows all ledgers, and `file` (`file_format`) keeps
//! them over a restart.

mod budget;
mod file;
mod file_format;
mod ledger;
mod ledger_state;
mod policy;
mod reservation;
mod vendor_quota;

pub use budget::Budget;
pub use file::InvalidLedger;
pub(super) use ledger::{BudgetExhausted, Ledger};
pub(super) use reservation::LoadReservation;
