//! The budget: how many calls of the vendor's plan may be spent, and the ledgers of what was spent.

mod budget;
mod file;
mod ledger;

pub use budget::Budget;
pub use file::InvalidLedger;
pub(super) use ledger::{BudgetExhausted, Ledger, Reservation};
