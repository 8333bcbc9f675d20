//! Listening: who keeps answers in front of the service is told when what they say of a team is no longer true, or may not be
//! shown any more.
//!
//! Only what is held here is told of, unless the operator names an account: callers without rights could otherwise have
//! anything told.

use std::sync::Arc;

use super::loads::Loads;
use super::rosters::Rosters;
use crate::model::{Account, CredentialId, Grant, InvalidationScope, TeamListener};

impl Rosters {
    /// The same with a listener. It comes before what replicas share (`shared_by`), which tells it as well.
    #[must_use]
    pub fn with_listener(mut self, listener: Arc<dyn TeamListener>) -> Self {
        self.loads = Arc::new(Loads { listener: Some(listener), ..Loads::clone(&self.loads) });
        self
    }
}

impl Loads {
    /// The grant's account, where its roster is held.
    pub(super) fn held(&self, grant: &Grant) -> Vec<Account> {
        let held = self.listener.as_ref().and_then(|_| self.store.get(grant.key()));
        held.map(|_| grant.account().clone()).into_iter().collect()
    }

    /// The accounts whose rosters are held that were read with this credential.
    pub(super) fn held_with(&self, credential: &CredentialId) -> Vec<Account> {
        if self.listener.is_none() {
            return Vec::new();
        }
        let covered = self.store.covered(&InvalidationScope::Credential(credential.clone()));
        covered.into_iter().map(|(key, _)| key.account).collect()
    }

    /// Tells that these accounts' teams may not be shown any more.
    pub(super) fn tell_withdrawn(&self, accounts: &[Account]) {
        if let Some(listener) = &self.listener {
            accounts.iter().for_each(|account| listener.withdrawn(account));
        }
    }

    /// Tells what the operator has taken back; `held` are the accounts of a scope that names none.
    pub(super) fn tell_taken_back(&self, scope: &InvalidationScope, held: &[Account]) {
        match (scope, &self.listener) {
            (InvalidationScope::All, Some(listener)) => listener.all_withdrawn(),
            (InvalidationScope::Account(account), _) => self.tell_withdrawn(std::slice::from_ref(account)),
            (InvalidationScope::Credential(_), _) => self.tell_withdrawn(held),
            (InvalidationScope::All, None) => {}
        }
    }
}
