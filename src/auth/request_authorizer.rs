//! Authorization of one request: selects the account and checks that the caller may read it.

use super::accounts::AllowedAccounts;
use crate::model::{AccessError, Account, Caller, CallerLimits, Grant, Grants};

pub(super) struct RequestAuthorizer {
    pub(super) caller: Caller,
    pub(super) accounts: AllowedAccounts,
    pub(super) limits: CallerLimits,
    /// The account that the request's headers name.
    pub(super) named: Option<Account>,
    /// The account that the configuration names.
    pub(super) configured: Option<Account>,
    /// Whether the default account applies to a request that names none.
    pub(super) preferred: bool,
    /// Whether an `account` argument may select an account.
    pub(super) argument: bool,
    pub(super) router: bool,
}

impl RequestAuthorizer {
    /// Checks that the caller may read the account that the headers select.
    pub(super) fn check_named(&self) -> Result<(), AccessError> {
        self.named.as_ref().map_or(Ok(()), |account| self.check(account))
    }

    fn check(&self, account: &Account) -> Result<(), AccessError> {
        if self.accounts.allow(account, self.configured.as_ref()) {
            return Ok(());
        }
        // The same message whether the account exists or not.
        Err(AccessError::Forbidden("the caller may not read this account"))
    }

    fn preferred(&self) -> Option<Account> {
        self.accounts.preferred(self.configured.as_ref()).filter(|_| self.preferred).cloned()
    }
}

impl Grants for RequestAuthorizer {
    fn grant(&self, argument: Option<Account>) -> Result<Grant, AccessError> {
        let account = match (argument, &self.named) {
            (Some(argument), Some(named)) if argument != *named => {
                return Err(AccessError::Forbidden("the argument and the headers name different accounts"));
            }
            // An argument, or the key of an entity, may repeat the account that the request has anyway: that selects nothing.
            (Some(argument), None) if !self.argument && self.preferred().as_ref() != Some(&argument) => {
                return Err(AccessError::Forbidden("naming an account with an argument is switched off here"));
            }
            (Some(account), _) => account,
            (None, Some(named)) => named.clone(),
            (None, None) => self.preferred().ok_or(AccessError::AccountRequired)?,
        };
        self.check(&account)?;
        Ok(Grant::mint(self.caller.clone(), account))
    }

    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn limits(&self) -> CallerLimits {
        self.limits
    }

    fn is_router(&self) -> bool {
        self.router
    }
}
