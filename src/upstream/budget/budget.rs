//! The budget: how many calls an hour may be made with a credential, so that the vendor's plan is never overrun.
//!
//! One ledger for each credential (or one for the host, where the plan is counted so), kept on disk where the configuration
//! says so. A part of the plan is never spent; a part of the rest is kept for teams that nobody has loaded yet; callers who
//! share a credential share what is left.

use super::file::InvalidLedger;
use super::ledger::{self, Ledger};
use crate::model::{BudgetShare, Pressure};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config;
use crate::config::BudgetScope;
use crate::model::{Caller, CallerId, Clock, Credential, CredentialId};

use super::file::{LedgerFile, LedgerSnapshot};

/// Ledgers kept before those without a call in the last hour are forgotten.
const LEDGERS: usize = 10_000;

/// What a plan allows.
#[derive(Clone, Copy, Debug)]
pub(in crate::upstream) struct BudgetPolicy {
    calls_per_hour: u32,
    utilization: f64,
    reserve_ratio: f64,
    max_caller_ratio: f64,
}

/// The ledgers of all credentials.
pub struct Budget {
    terms: BudgetPolicy,
    scope: BudgetScope,
    ledgers: Mutex<Ledgers>,
    file: Option<LedgerFile>,
    payers: RandomState,
    clock: Clock,
}

#[derive(Default)]
struct Ledgers {
    /// By what this process knows a credential by.
    known: HashMap<Owner, (Arc<str>, Arc<Ledger>)>,
    /// By what the file knows it by, from before the restart and not asked for since.
    restored: HashMap<Arc<str>, Arc<Ledger>>,
    /// When half the plan was taken for spent, because the file could not be read.
    unknown_since: Option<i64>,
}

/// Whose plan it is.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Owner {
    Credential(CredentialId),
    Host,
}

impl BudgetPolicy {
    fn new(settings: &config::BudgetConfig) -> Self {
        let config::BudgetConfig { calls_per_hour, utilization, reserve_ratio, max_caller_ratio, .. } = *settings;
        Self { calls_per_hour, utilization, reserve_ratio, max_caller_ratio }
    }

    /// Calls an hour that may be made at all.
    pub(super) fn spendable(&self) -> u32 {
        self.part(self.calls_per_hour, self.utilization).max(1)
    }

    /// Calls an hour that may be made for teams that are there already.
    pub(super) fn for_refreshing(&self) -> u32 {
        let spendable = self.spendable();
        spendable - self.part(spendable, self.reserve_ratio)
    }

    /// What one caller may commit while the others have spent so much: a part of what is left, so that whoever comes finds
    /// something, and those who ask equally get equally.
    pub(super) fn share(&self, spent_by_others: u32) -> u32 {
        self.part(self.spendable().saturating_sub(spent_by_others), self.max_caller_ratio).max(1)
    }

    /// What is left alone of the vendor's own count.
    pub(super) fn headroom(&self, limit: Option<u32>) -> u32 {
        limit.map_or(0, |limit| limit - self.part(limit, self.utilization))
    }

    fn part(&self, of: u32, share: f64) -> u32 {
        (f64::from(of) * share).floor() as u32
    }
}

impl Budget {
    /// The ledgers that these settings ask for, with what the ledger file remembers.
    ///
    /// # Errors
    /// [`InvalidLedger`] when the file is another process's, or cannot be written.
    pub fn open(settings: &config::BudgetConfig, clock: Clock) -> Result<Self, InvalidLedger> {
        let terms = BudgetPolicy::new(settings);
        let now = clock.wall(clock.now()).millis();
        let mut ledgers = Ledgers::default();
        let file = match &settings.file {
            None => None,
            Some(path) => {
                let (file, remembered) = LedgerFile::open(path, now)?;
                for (id, calls) in remembered {
                    let ledger = Ledger::new(terms);
                    ledger.restore(calls, true);
                    ledgers.restored.insert(id, Arc::new(ledger));
                }
                ledgers.unknown_since = file.unknown_since();
                Some(file)
            }
        };
        Ok(Self { terms, scope: settings.scope, ledgers: Mutex::new(ledgers), file, payers: RandomState::new(), clock })
    }

    /// The credential's ledger.
    pub(in crate::upstream) fn ledger(&self, credential: &Credential) -> Arc<Ledger> {
        let owner = self.owner(credential.id());
        let mut ledgers = self.ledgers();
        if let Some((_, ledger)) = ledgers.known.get(&owner) {
            return ledger.clone();
        }
        let now = self.now();
        if ledgers.known.len() >= LEDGERS {
            ledgers.known.retain(|_, (_, ledger)| !ledger.is_idle(now));
        }
        let id: Arc<str> = match (&owner, &self.file) {
            (Owner::Host, _) => "host".into(),
            (Owner::Credential(_), Some(file)) => file.name(credential).into(),
            (Owner::Credential(_), None) => "".into(),
        };
        let restored = ledgers.restored.remove(&id);
        let ledger = restored.unwrap_or_else(|| {
            let ledger = Ledger::new(self.terms);
            if let Some(since) = ledgers.unknown_since.filter(|since| now - since < ledger::HOUR_MILLIS) {
                ledger.restore((0..self.terms.spendable() / 2).map(|_| since), false);
            }
            Arc::new(ledger)
        });
        ledgers.known.insert(owner, (id, ledger.clone()));
        ledger
    }

    /// The credential's ledger, if it has one.
    pub(in crate::upstream) fn known(&self, id: &CredentialId) -> Option<Arc<Ledger>> {
        self.ledgers().known.get(&self.owner(id)).map(|(_, ledger)| ledger.clone())
    }

    /// Calls an hour that may be made at all.
    pub(in crate::upstream) fn spendable(&self) -> u32 {
        self.terms.spendable()
    }

    /// How short the credential's plan is.
    pub(in crate::upstream) fn pressure(&self, id: &CredentialId) -> Pressure {
        self.known(id).map_or(Pressure::NONE, |ledger| ledger.pressure(self.now()))
    }

    /// What the caller may still commit.
    pub(in crate::upstream) fn share(&self, caller: &Caller) -> BudgetShare {
        let payer = self.payer(caller);
        match self.known(caller.credential.id()) {
            Some(ledger) => ledger.share(self.now(), payer),
            None => Ledger::new(self.terms).share(self.now(), payer),
        }
    }

    /// The upstream does not know this credential: it gets no ledger, unless it was accepted before.
    pub(in crate::upstream) fn reject(&self, id: &CredentialId) {
        let owner = self.owner(id);
        let mut ledgers = self.ledgers();
        if owner != Owner::Host && ledgers.known.get(&owner).is_some_and(|(_, ledger)| !ledger.is_accepted()) {
            ledgers.known.remove(&owner);
        }
    }

    /// Whom the caller's loads are charged to, where several callers share a ledger.
    pub(in crate::upstream) fn payer(&self, caller: &Caller) -> Option<u64> {
        let shares = match caller.id {
            CallerId::Key(_) | CallerId::Subject(_) => true,
            CallerId::Token(_) => self.scope == BudgetScope::Host,
            CallerId::Anonymous => false,
        };
        shares.then(|| self.payers.hash_one(&caller.id))
    }

    /// Brings the ledgers to disk, so that a call that is made now is remembered. Calls made at one time share one write.
    pub(in crate::upstream) async fn write(&self) {
        if let Some(file) = &self.file {
            file.write(|| self.snapshot()).await;
        }
    }

    fn snapshot(&self) -> LedgerSnapshot {
        let now = self.now();
        let mut ledgers = self.ledgers();
        ledgers.restored.retain(|_, ledger| !ledger.is_idle(now));
        let known = ledgers.known.values().map(|(id, ledger)| (id, ledger));
        let all = known.chain(&ledgers.restored).map(|(id, ledger)| (id.clone(), ledger.calls(now)));
        all.filter(|(_, calls)| !calls.is_empty()).collect()
    }

    fn owner(&self, id: &CredentialId) -> Owner {
        match self.scope {
            BudgetScope::Credential => Owner::Credential(id.clone()),
            BudgetScope::Host => Owner::Host,
        }
    }

    pub(in crate::upstream) fn now(&self) -> i64 {
        self.clock.wall(self.clock.now()).millis()
    }

    fn ledgers(&self) -> MutexGuard<'_, Ledgers> {
        self.ledgers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
