//! The result of authentication in every mode.

use super::accounts::AllowedAccounts;
use crate::model::{Caller, CallerLimits};

/// An authenticated caller, and the accounts listed for it.
pub(super) struct Admitted {
    pub(super) caller: Caller,
    pub(super) accounts: AllowedAccounts,
    /// Its limits, where it has its own.
    pub(super) limits: CallerLimits,
}
