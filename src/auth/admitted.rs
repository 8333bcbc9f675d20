//! The result of authentication, the same in every mode: a caller, its accounts and its limits. The grants of a request
//! are made from it.

use super::accounts::AllowedAccounts;
use crate::model::{Caller, CallerLimits};

/// An authenticated caller, and the accounts listed for it.
pub(super) struct Admitted {
    pub(super) caller: Caller,
    pub(super) accounts: AllowedAccounts,
    /// Its limits, where it has its own.
    pub(super) limits: CallerLimits,
}
