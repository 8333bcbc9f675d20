//! The budget: how many calls may be made in a sliding window, so that the vendor's plan is never overrun.
//!
//! There is one ledger for each credential (or one for the host, where the plan is counted so), kept on disk where the
//! configuration says so, and one total for all credentials that the vendor has not accepted yet: a stream of new tokens
//! spends one plan at most. Invariant: a ledger with calls that still count is never dropped.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ahash::RandomState;
use moka::sync::Cache;
use parking_lot::Mutex;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::exhausted::BudgetExhausted;
use super::file::{InvalidLedger, LedgerFile, NotRecorded};
use super::ledger::Ledger;
use super::ledger_state::Payer;
use super::ledgers::{ANY_TOKEN, LedgerOwner, Ledgers, UNACCEPTED, instant};
use super::policy::BudgetPolicy;
use super::reservation::LoadReservation;
use super::shared::SharedPlan;
use crate::cluster::{Cluster, LeasedCall};
use crate::config::{self, BudgetScope};
use crate::model::{BudgetShare, Caller, CallerId, Clock, Credential, CredentialId, PlanRoom, Pressure, RefreshPlan};
use crate::telemetry::Metrics;
use crate::upstream::Need;

/// The most ledgers. With so many credentials in use, a new one has to wait for another to become idle.
const LEDGERS_LIMIT: usize = 100_000;
/// The longest that writing a call down may take; later it is not made, because the file would forget it too early. Without a
/// file nothing is written.
const WRITE_LIMIT: Duration = Duration::from_secs(5);
const SHARED_WRITE_LIMIT: Duration = Duration::from_secs(1);
/// How often it is looked for idle ledgers while there is no room.
const PURGE_INTERVAL: Duration = Duration::from_secs(1);
/// Pauses of plans that are not asked for here; of more, the plan's own next answer tells.
const PAUSES_LIMIT: u64 = 10_000;

/// The ledgers of all credentials.
pub struct Budget {
    scope: BudgetScope,
    file: Option<Arc<LedgerFile>>,
    pub(super) ledgers: Arc<Ledgers>,
    payers: RandomState,
    pub(super) clock: Clock,
    pub(super) cluster: Option<Arc<Cluster>>,
    /// Until when plans are paused of which only other replicas have a ledger yet, by their name in the cluster.
    pub(super) paused_elsewhere: Cache<String, Instant>,
}

impl Budget {
    /// Whether a ledger file can be used, apart from whether another process has it.
    ///
    /// # Errors
    /// [`InvalidLedger`] when it cannot.
    pub fn try_file(path: &Path) -> Result<(), InvalidLedger> {
        LedgerFile::check(path)
    }

    /// The ledgers that these settings ask for, with what the ledger file remembers.
    ///
    /// # Errors
    /// [`InvalidLedger`] when the file belongs to another process, or cannot be used.
    pub fn open(settings: &config::BudgetConfig, clock: Clock, metrics: Arc<Metrics>) -> Result<Self, InvalidLedger> {
        let policy = BudgetPolicy::new(settings);
        let now = clock.now();
        let wall = clock.wall(now).millis();
        let unaccepted = Arc::new(Ledger::new(policy, clock));
        let ledgers = Ledgers { policy, clock, index: Mutex::default(), unaccepted };
        let instant = |end: i64| instant(end, wall, now);
        let file = match &settings.file {
            None => None,
            Some(path) => {
                let (file, remembered) = LedgerFile::open(path, wall, metrics)?;
                let mut index = ledgers.index.lock();
                for (id, ends) in remembered {
                    let ends = ends.into_iter().map(instant);
                    match &*id {
                        UNACCEPTED => ledgers.unaccepted.restore(ends),
                        ANY_TOKEN => index.of_any_token = ends.collect(),
                        _ => {
                            let ledger = Ledger::new(policy, clock);
                            ledger.restore(ends);
                            index.restored.insert(id, Arc::new(ledger));
                        }
                    }
                }
                index.unknown_since = file.unknown_since().map(instant);
                drop(index);
                Some(Arc::new(file))
            }
        };
        let ledgers = Arc::new(ledgers);
        let paused_elsewhere = Cache::new(PAUSES_LIMIT);
        let payers = RandomState::new();
        Ok(Self { scope: settings.scope, file, ledgers, payers, clock, cluster: None, paused_elsewhere })
    }

    /// The same, for a plan that other replicas spend, too.
    #[must_use]
    pub fn shared_by(mut self, cluster: Arc<Cluster>) -> Self {
        self.hear_pauses(&cluster);
        self.cluster = Some(cluster);
        self
    }

    /// A call of the ledger's plan, where other replicas spend it, too. It is made, or given back when it is dropped.
    pub(in crate::upstream) async fn lease(&self, ledger: &Ledger) -> Result<Option<LeasedCall>, BudgetExhausted> {
        match ledger.shared() {
            Some(plan) => plan.acquire().await.map(Some),
            None => Ok(None),
        }
    }

    /// How long writing a call down may take, and how much longer than its time-out a call is taken to last.
    pub(in crate::upstream) fn write_limit(&self) -> Duration {
        if self.cluster.is_some() { SHARED_WRITE_LIMIT } else { WRITE_LIMIT }
    }

    /// The credential's ledger, made where there is none; `None` when there are too many already.
    pub(in crate::upstream) fn ledger(&self, credential: &Credential) -> Option<Arc<Ledger>> {
        let owner = self.owner(credential.id());
        let mut index = self.ledgers.index.lock();
        if let Some((_, ledger)) = index.known.get(&owner) {
            return Some(ledger.clone());
        }
        let now = self.clock.now();
        if index.known.len() >= LEDGERS_LIMIT && index.purged.is_none_or(|purged| now - purged >= PURGE_INTERVAL) {
            index.purged = Some(now);
            index.known.retain(|_, (_, ledger)| !ledger.is_idle());
        }
        if index.known.len() >= LEDGERS_LIMIT {
            return None;
        }
        let id: Arc<str> = match (&owner, &self.file) {
            (LedgerOwner::Host, _) => "host".into(),
            (LedgerOwner::Credential(_), Some(file)) => file.name(credential).into(),
            (LedgerOwner::Credential(_), None) => "".into(),
        };
        let policy = self.ledgers.policy;
        let ledger = index.restored.remove(&id).unwrap_or_else(|| {
            let ledger = Ledger::new(policy, self.clock);
            if let Some(since) = index.unknown_since.filter(|since| now - *since < policy.window) {
                ledger.restore((0..policy.spendable() / 2).map(|_| since));
            }
            if id.starts_with(ANY_TOKEN) {
                ledger.restore(index.of_any_token.iter().copied());
            }
            Arc::new(ledger)
        });
        if let Some(cluster) = &self.cluster {
            let name: Arc<str> = cluster.values.names().of("ledger", &self.plan_of(credential)).into();
            ledger.share_with(SharedPlan::new(cluster.leases.clone(), name.clone()));
            cluster.leases.register(&name, &ledger);
            if let Some(until) = self.paused_elsewhere.get(&*name).filter(|until| *until > now) {
                ledger.rate_limited(until - now, now);
            }
        }
        index.known.insert(owner, (id, ledger.clone()));
        Some(ledger)
    }

    /// The credential's ledger, if it has one.
    pub(in crate::upstream) fn known(&self, id: &CredentialId) -> Option<Arc<Ledger>> {
        self.ledgers.index.lock().known.get(&self.owner(id)).map(|(_, ledger)| ledger.clone())
    }

    /// Reserves `n` calls in a credential's ledger and, where it has not been accepted, in the total of those.
    pub(in crate::upstream) fn reserve(
        &self,
        ledger: &Arc<Ledger>,
        caller: &Caller,
        accepted: bool,
        n: u32,
        need: Need,
    ) -> Result<LoadReservation, BudgetExhausted> {
        // The total first: a reservation that is given back wakes the loads that wait for the credential's ledger, and this
        // one may be about to.
        let total = self
            .total(caller, accepted)
            .map(|total| total.reserve(n, Need::Missing, Some(self.payers.hash_one(caller.credential.id()))));
        let unaccepted = total.transpose()?;
        let own = ledger.reserve(n, need, self.payer(caller))?;
        Ok(LoadReservation { own, unaccepted })
    }

    /// Reserves one call for a check of the operator's, who shares with no other caller.
    pub(in crate::upstream) fn reserve_check(&self, ledger: &Arc<Ledger>) -> Result<LoadReservation, BudgetExhausted> {
        Ok(LoadReservation { own: ledger.reserve(1, Need::Missing, None)?, unaccepted: None })
    }

    /// Whether `reserve` would succeed.
    pub(in crate::upstream) fn would_reserve(
        &self,
        caller: &Caller,
        accepted: bool,
        n: u32,
        need: Need,
    ) -> Result<(), BudgetExhausted> {
        if let Some(ledger) = self.known(caller.credential.id()) {
            ledger.would_reserve(n, need, self.payer(caller))?;
        }
        let payer = || Some(self.payers.hash_one(caller.credential.id()));
        self.total(caller, accepted).map_or(Ok(()), |total| total.would_reserve(n, Need::Missing, payer()))
    }

    /// The total of unaccepted credentials, for a credential that is one of them.
    pub(in crate::upstream) fn total(&self, caller: &Caller, accepted: bool) -> Option<&Arc<Ledger>> {
        let counts = !accepted
            && self.scope == BudgetScope::Credential
            && matches!(caller.credential.id(), CredentialId::Forwarded(_));
        counts.then_some(&self.ledgers.unaccepted)
    }

    /// The vendor has accepted the credential: its calls count in its own ledger alone.
    pub(in crate::upstream) fn accept(&self, id: &CredentialId) {
        if matches!(id, CredentialId::Forwarded(_)) {
            self.ledgers.unaccepted.discharge(self.payers.hash_one(id));
        }
    }

    /// Calls that may be made in a window.
    pub(in crate::upstream) fn spendable(&self) -> u32 {
        self.ledgers.policy.spendable()
    }

    /// The calls that refreshing rosters may spend in a window.
    pub(in crate::upstream) fn refresh_plan(&self) -> RefreshPlan {
        let policy = &self.ledgers.policy;
        let shared = self.scope == BudgetScope::Host;
        RefreshPlan { calls: policy.for_refreshing(), window: policy.window, shared }
    }

    /// How short the credential's plan is.
    pub(in crate::upstream) fn pressure(&self, id: &CredentialId) -> Pressure {
        self.known(id).map_or(Pressure::NONE, |ledger| ledger.pressure())
    }

    /// The rest of the caller's share of the budget.
    pub(in crate::upstream) fn share(&self, caller: &Caller) -> BudgetShare {
        let payer = self.payer(caller);
        match self.known(caller.credential.id()) {
            Some(ledger) => ledger.share(payer),
            None => Ledger::new(self.ledgers.policy, self.clock).share(payer),
        }
    }

    /// Of the plans that these calls would be charged to, the one with the least room.
    pub(in crate::upstream) fn room(&self, calls: &[(CredentialId, u32)]) -> Option<PlanRoom> {
        let mut plans: HashMap<LedgerOwner, PlanRoom> = HashMap::new();
        for (id, wanted) in calls {
            let left = || self.known(id).map_or(self.spendable(), |ledger| ledger.share(None).remaining);
            let plan = plans.entry(self.owner(id)).or_insert_with(|| PlanRoom { wanted: 0, left: left() });
            plan.wanted = plan.wanted.saturating_add(*wanted);
        }
        plans.into_values().min_by_key(|plan| i64::from(plan.left) - i64::from(plan.wanted))
    }

    /// Whom the caller's loads are charged to, where several callers share a ledger.
    fn payer(&self, caller: &Caller) -> Option<Payer> {
        let shares = match caller.id {
            CallerId::Key(_) | CallerId::Certificate(_) | CallerId::Subject(_) => true,
            CallerId::Token(_) => self.scope == BudgetScope::Host,
            CallerId::Anonymous => false,
        };
        shares.then(|| match (&self.cluster, &caller.id) {
            (None, id) => self.payers.hash_one(id),
            // The same on all replicas.
            (Some(cluster), id) => {
                let names = cluster.values.names();
                match id {
                    CallerId::Key(id) => names.number("payer", &[b"key", id.as_bytes()]),
                    CallerId::Certificate(name) => names.number("payer", &[b"certificate", name.as_bytes()]),
                    CallerId::Subject(hash) => names.number("payer", &[b"subject", &hash.0]),
                    CallerId::Token(_) | CallerId::Anonymous => {
                        names.number("payer", &[b"token", caller.credential.token().expose_secret().as_bytes()])
                    }
                }
            }
        })
    }

    /// The identity of a plan on all replicas.
    fn plan_of<'c>(&self, credential: &'c Credential) -> Vec<&'c [u8]> {
        match (self.scope, credential.id()) {
            (BudgetScope::Host, _) => vec![b"host"],
            (BudgetScope::Credential, CredentialId::Held(name)) => vec![b"held", name.as_bytes()],
            (BudgetScope::Credential, CredentialId::Forwarded(_)) => {
                vec![b"forwarded", credential.token().expose_secret().as_bytes()]
            }
        }
    }

    /// Brings the ledgers to disk, so that a call that was recorded is remembered. Calls that start together share one write.
    ///
    /// # Errors
    /// [`NotRecorded`] when the disk did not take it: the call must not be made.
    pub(in crate::upstream) async fn write(&self) -> Result<(), NotRecorded> {
        let Some(file) = &self.file else { return Ok(()) };
        let ledgers = self.ledgers.clone();
        file.write(ledgers).await
    }

    /// Checks in the background, once a second at most, whether the file was removed or replaced, and writes it again. A
    /// request that may cost no call leads here too: a spent plan needs the file most.
    #[expect(clippy::disallowed_methods, reason = "one check a second at most, which ends with the disk's answer")]
    pub(in crate::upstream) fn restore_file(&self) {
        let Some(file) = self.file.as_ref().filter(|file| file.is_check_due(self.clock.now())) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (file, ledgers) = (file.clone(), self.ledgers.clone());
        runtime.spawn(async move {
            if file.is_lost().await {
                // What cannot be written, and what was taken over, has been logged.
                if file.write(ledgers).await.is_ok() {
                    tracing::warn!("the ledger file was removed or replaced: it was written again");
                }
            }
        });
    }

    /// Writes the file for the last time, so that a restart knows how every call ended.
    pub(in crate::upstream) async fn close(&self) {
        let _ = self.write().await;
        if let Some(cluster) = &self.cluster {
            cluster.close().await;
        }
    }

    fn owner(&self, id: &CredentialId) -> LedgerOwner {
        match self.scope {
            BudgetScope::Credential => LedgerOwner::Credential(id.clone()),
            BudgetScope::Host => LedgerOwner::Host,
        }
    }
}
