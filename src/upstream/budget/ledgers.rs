//! All ledgers of this process: under what they are known here and in the file, and what the file is told of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ahash::RandomState;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::file::LedgerSource;
use super::file_format::LedgerSnapshot;
use super::ledger::Ledger;
use super::policy::BudgetPolicy;
use crate::model::{Clock, CredentialId};

/// The name in the file of the total of unaccepted credentials.
pub(super) const UNACCEPTED: &str = "unaccepted";
/// The name in the file of calls that any forwarded token may have made, and the prefix of the names of such tokens.
pub(super) const ANY_TOKEN: &str = "forwarded";

pub(super) struct Ledgers {
    pub(super) policy: BudgetPolicy,
    pub(super) clock: Clock,
    pub(super) index: Mutex<LedgerIndex>,
    /// The total of unaccepted credentials.
    pub(super) unaccepted: Arc<Ledger>,
}

#[derive(Default)]
pub(super) struct LedgerIndex {
    /// By what this process knows a credential by.
    pub(super) known: HashMap<LedgerOwner, (Arc<str>, Arc<Ledger>), RandomState>,
    /// By what the file knows it by: from before the restart, and not asked for since.
    pub(super) restored: HashMap<Arc<str>, Arc<Ledger>>,
    /// When half the plan was taken for spent, because the file could not be read.
    pub(super) unknown_since: Option<Instant>,
    /// Calls of forwarded tokens whose names another process's salt has made: any such token may have made them.
    pub(super) of_any_token: Vec<Instant>,
    pub(super) purged: Option<Instant>,
}

/// Whose plan it is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum LedgerOwner {
    Credential(CredentialId),
    Host,
}

impl LedgerSource for Ledgers {
    /// The wall clock, and when the calls of each ledger have ended or will have at the latest, by the same clock.
    fn snapshot(&self) -> (i64, LedgerSnapshot) {
        let mut index = self.index.lock();
        index.restored.retain(|_, ledger| !ledger.is_idle());
        let known = index.known.values().map(|(id, ledger)| (id.clone(), ledger.clone()));
        let restored = index.restored.iter().map(|(id, ledger)| (id.clone(), ledger.clone()));
        let total = (Arc::from(UNACCEPTED), self.unaccepted.clone());
        let ledgers: Vec<_> = known.chain(restored).chain([total]).collect();
        let now = self.clock.now();
        index.of_any_token.retain(|end| now.saturating_duration_since(*end) < self.policy.window);
        let of_any_token = index.of_any_token.clone();
        drop(index);
        let wall_now = self.clock.wall(now).millis();
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let wall = |end: &Instant| {
            let (ahead, age) = (end.saturating_duration_since(now), now.saturating_duration_since(*end));
            wall_now + millis(ahead) - millis(age)
        };
        let ends =
            ledgers.into_iter().map(|(id, ledger)| (id, ledger.ends())).chain([(ANY_TOKEN.into(), of_any_token)]);
        let remembered = ends.filter(|(_, ends)| !ends.is_empty());
        (wall_now, remembered.map(|(id, ends)| (id, ends.iter().map(wall).collect())).collect())
    }

    fn merge(&self, calls: LedgerSnapshot, shared: bool) {
        let now = self.clock.now();
        let wall = self.clock.wall(now).millis();
        let mut index = self.index.lock();
        for (id, ends) in calls {
            let ends: Vec<Instant> = ends.into_iter().map(|end| instant(end, wall, now)).collect();
            if &*id == ANY_TOKEN || (!shared && id.starts_with(ANY_TOKEN)) {
                index.charge_any_token(ends);
                continue;
            }
            let ledger = match &*id {
                UNACCEPTED => self.unaccepted.clone(),
                _ => index.named(&id).unwrap_or_else(|| {
                    let ledger = Arc::new(Ledger::new(self.policy, self.clock));
                    index.restored.insert(id, ledger.clone());
                    ledger
                }),
            };
            if shared { ledger.merge(ends) } else { ledger.restore(ends) }
        }
    }
}

impl LedgerIndex {
    /// The ledger that the file knows by this name.
    fn named(&self, id: &Arc<str>) -> Option<Arc<Ledger>> {
        let known = self.known.values().find(|(known, _)| known == id).map(|(_, ledger)| ledger);
        known.or_else(|| self.restored.get(id)).cloned()
    }

    /// Counts the calls of one token, it is not known which, for every token that callers bring.
    fn charge_any_token(&mut self, ends: Vec<Instant>) {
        let known = self.known.values().map(|(id, ledger)| (id, ledger));
        for (_, ledger) in known.chain(&self.restored).filter(|(id, _)| id.starts_with(ANY_TOKEN)) {
            ledger.restore(ends.iter().copied());
        }
        self.of_any_token.extend(ends);
    }
}

/// An end by the wall clock. One that lies ahead is taken for now: a clock that was set back makes a call count longer.
pub(super) fn instant(end: i64, wall: i64, now: Instant) -> Instant {
    let age = Duration::from_millis(u64::try_from(wall.saturating_sub(end)).unwrap_or(0));
    now.checked_sub(age).unwrap_or(now)
}
