//! The result of authentication in every mode.

use super::accounts::AllowedAccounts;
use crate::model::Caller;

/// An authenticated caller, and the accounts listed for it.
pub(super) struct Admitted {
    pub(super) caller: Caller,
    pub(super) accounts: AllowedAccounts,
}
