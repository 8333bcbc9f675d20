//! Invalidations: up to when rosters of an account, of a credential, or all of them have been taken back.
//!
//! A roster that began to be read before such an instant is stale, or gone, whether it is stored already or a load still brings
//! it. Invariant: the maps are bounded; what has to make room is taken back for all rosters instead, never forgotten.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::time::Instant;

use crate::model::{Account, CredentialId, Invalidation, InvalidationMode, InvalidationScope, RosterKey};

/// Accounts, and credentials, that are remembered.
const CAPACITY: usize = 10_000;

pub(super) struct Invalidations {
    /// Whether there are any, so that look-ups mostly need no lock.
    any: AtomicBool,
    marks: RwLock<Marks>,
    /// No roster is served for longer, so marks need not be kept for longer.
    max_age: Duration,
}

#[derive(Default)]
struct Marks {
    all: Mark,
    accounts: HashMap<Account, Mark>,
    credentials: HashMap<CredentialId, Mark>,
}

/// Rosters read before are stale, or gone.
#[derive(Clone, Copy, Default)]
struct Mark {
    stale: Option<Instant>,
    gone: Option<Instant>,
}

impl Mark {
    fn with(self, other: Self) -> Self {
        Self { stale: self.stale.max(other.stale), gone: self.gone.max(other.gone) }
    }

    fn newest(self) -> Option<Instant> {
        self.stale.max(self.gone)
    }
}

impl Invalidations {
    pub(super) fn new(max_age: Duration) -> Self {
        Self { any: AtomicBool::new(false), marks: RwLock::default(), max_age }
    }

    pub(super) fn record(&self, invalidation: &Invalidation, now: Instant) {
        let gone = (invalidation.mode == InvalidationMode::Hard).then_some(now);
        let mark = Mark { stale: Some(now), gone };
        let mut marks = self.marks.write();
        let Marks { all, accounts, credentials } = &mut *marks;
        match &invalidation.scope {
            InvalidationScope::Account(account) => self.insert(accounts, account, mark, all, now),
            InvalidationScope::Credential(credential) => self.insert(credentials, credential, mark, all, now),
            InvalidationScope::All => *all = all.with(mark),
        }
        self.any.store(true, Ordering::Release);
    }

    fn insert<K: Clone + Eq + Hash>(
        &self,
        marks: &mut HashMap<K, Mark>,
        key: &K,
        mark: Mark,
        all: &mut Mark,
        now: Instant,
    ) {
        if marks.len() >= CAPACITY && !marks.contains_key(key) {
            marks.retain(|_, mark| mark.newest().is_some_and(|at| now - at < self.max_age));
            while marks.len() >= CAPACITY {
                let oldest = marks.iter().min_by_key(|(_, mark)| mark.newest()).map(|(key, _)| key.clone());
                let Some(mark) = oldest.and_then(|oldest| marks.remove(&oldest)) else { break };
                *all = all.with(mark);
            }
        }
        let known = marks.entry(key.clone()).or_default();
        *known = known.with(mark);
    }

    /// Since when rosters under this key have to be newly read.
    pub(super) fn stale_before(&self, key: &RosterKey) -> Option<Instant> {
        self.mark(key).newest()
    }

    /// Since when rosters under this key that are older may not be served at all.
    pub(super) fn gone_before(&self, key: &RosterKey) -> Option<Instant> {
        self.mark(key).gone
    }

    fn mark(&self, key: &RosterKey) -> Mark {
        if !self.any.load(Ordering::Acquire) {
            return Mark::default();
        }
        let marks = self.marks.read();
        let account = marks.accounts.get(&key.account).copied().unwrap_or_default();
        let credential = marks.credentials.get(&key.credential).copied().unwrap_or_default();
        marks.all.with(account).with(credential)
    }
}
