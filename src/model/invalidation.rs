//! An invalidation by the operator: the rosters that it concerns, and whether they become stale or are removed.

use super::{Account, CredentialId, RosterKey};

/// Which rosters, and how they are taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalidation {
    /// Which rosters.
    pub scope: InvalidationScope,
    /// How.
    pub mode: InvalidationMode,
}

/// Which rosters are taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidationScope {
    /// Those of one account, whatever credential they were read with.
    Account(Account),
    /// Those that were read with one credential.
    Credential(CredentialId),
    /// All.
    All,
}

/// How rosters are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidationMode {
    /// They are stale from now on: the next request for one reads it again, and gets the old one where that takes too long.
    Soft,
    /// They are dropped: what was read before is not served any more.
    Hard,
}

impl InvalidationMode {
    /// Its name in requests, metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

impl InvalidationScope {
    /// Whether the roster under this key is one of them.
    #[must_use]
    pub fn covers(&self, key: &RosterKey) -> bool {
        match self {
            Self::Account(account) => key.account == *account,
            Self::Credential(credential) => key.credential == *credential,
            Self::All => true,
        }
    }

    /// The kind of its target.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Credential(_) => "credential",
            Self::All => "all",
        }
    }
}

/// The effect of an invalidation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidationReport {
    /// How many rosters it covers.
    pub rosters: usize,
    /// How many upstream calls reading all of them again takes.
    pub calls: u32,
    /// How many calls are left in the plan with the least room for it; `None` where nothing is counted.
    pub calls_left: Option<u32>,
    /// Whether it was done. It is not where it may cost more calls than are left.
    pub done: bool,
    /// Whether the other replicas were told; `None` where there are none, or it was not done.
    pub replicas_told: Option<bool>,
}
