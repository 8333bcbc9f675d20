//! Leases over the tier: takes calls from what this replica holds, asks for more, and tells the tier regularly what was spent.
//!
//! One step goes on at a time. Invariant: a call is handed out only from a pool under a live lease, and what is held is read
//! before what was spent, so that a call in between is reported twice rather than not at all.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use super::others::Others;
use super::replica::{Refusal, Replica, Report, Taken};
use super::reply::Reply;
use super::script::LEASE_SCRIPT;
use super::timing::Timing;
use crate::cluster::tier::{Tier, TierError};
use crate::model::Clock;
use crate::telemetry::Metrics;

/// A lease has at most this part of the plan, shared between the replicas.
const LEASES_IN_PLAN: u32 = 20;
/// Ledgers that the tier is told of in one beat, besides those that it does not know.
const LEDGERS_IN_BEAT: usize = 64;
/// How often a step is repeated because the tier is in another epoch.
const REPEATS: usize = 4;

/// The spending of a plan, as the ledger has it.
pub trait SpendingSource: Send + Sync + 'static {
    /// When each call that counts has ended, or will have at the latest.
    fn ends(&self) -> Vec<Instant>;
    /// The spending of each payer, if callers share the plan.
    fn payers(&self) -> Vec<(u64, u32)>;
    /// Calls that all replicas may make in a window.
    fn spendable(&self) -> u32;
}

/// Why a call may not be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLease {
    /// `spent`, `joining`, `unsure` or `away`.
    pub reason: &'static str,
    /// When it makes sense to ask again.
    pub available_at: Instant,
}

/// The leases of this process.
pub struct Leases {
    tier: Arc<Tier>,
    replica: Mutex<Replica>,
    ledgers: Mutex<HashMap<Arc<str>, LeasedLedger>>,
    /// Held while a step goes on.
    step: tokio::sync::Mutex<()>,
    timing: Timing,
    settings: LeaseSettings,
    script: redis::Script,
    state_key: String,
    copies: AtomicU32,
    /// Whether the last lease was not confirmed.
    unconfirmed: AtomicBool,
    metrics: Arc<Metrics>,
}

/// The settings of leases besides the times.
#[derive(Clone, Copy, Debug)]
pub(in crate::cluster) struct LeaseSettings {
    /// Calls that each replica may make while the tier is away.
    pub(in crate::cluster) offline_calls: u32,
    /// How many copies of the tier must have a grant before it is used; by itself one, where there are any.
    pub(in crate::cluster) confirmations: Option<u32>,
}

struct LeasedLedger {
    source: Weak<dyn SpendingSource>,
    /// Calls that wait for a lease.
    waiting: u32,
    /// Calls that were made since, and when that was.
    recent: (u32, Instant),
    refused: Option<NoLease>,
    /// Whether it was asked what the others have spent since the tier was asked for it.
    looked_at: bool,
}

/// A call that may be made. Dropped, it is given back.
pub struct LeasedCall {
    leases: Arc<Leases>,
    ledger: Arc<str>,
    taken: Option<Taken>,
}

impl LeasedCall {
    /// The call has been recorded in its ledger, and is made.
    pub fn make(mut self) {
        if let Some(taken) = self.taken.take() {
            self.leases.settle(&self.ledger, taken, true);
        }
    }
}

impl Drop for LeasedCall {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            self.leases.settle(&self.ledger, taken, false);
        }
    }
}

impl Leases {
    pub(in crate::cluster) fn new(
        tier: Arc<Tier>,
        id: String,
        state_key: String,
        timing: Timing,
        settings: LeaseSettings,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        Arc::new(Self {
            tier,
            replica: Mutex::new(Replica::new(id, timing, Clock::instant())),
            ledgers: Mutex::default(),
            step: tokio::sync::Mutex::default(),
            timing,
            settings,
            script: redis::Script::new(LEASE_SCRIPT),
            state_key,
            copies: AtomicU32::new(0),
            unconfirmed: AtomicBool::new(false),
            metrics,
        })
    }

    /// Has the tier told of a ledger from now on.
    pub fn register(&self, ledger: &Arc<str>, source: &Arc<impl SpendingSource>) {
        let strong: Arc<dyn SpendingSource> = source.clone();
        let source = Arc::downgrade(&strong);
        let entry = LeasedLedger { source, waiting: 0, recent: (0, Clock::instant()), refused: None, looked_at: true };
        self.ledgers.lock().insert(ledger.clone(), entry);
    }

    /// A call of this ledger's plan: of the lease that is held, or of one that the tier gives now.
    ///
    /// # Errors
    /// [`NoLease`] when there is none.
    pub async fn acquire(self: &Arc<Self>, ledger: &Arc<str>) -> Result<LeasedCall, NoLease> {
        if let Some(call) = self.take(ledger) {
            return Ok(call);
        }
        let _waiting = LeaseWait::new(self, ledger);
        let _step = self.step.lock().await;
        // While it waited for another step, that may have brought enough.
        if let Some(call) = self.take(ledger) {
            return Ok(call);
        }
        let stepped = self.tell(Some(ledger)).await;
        if let Some(call) = self.take(ledger) {
            return Ok(call);
        }
        Err(self.refuse(ledger, stepped.is_ok()))
    }

    /// Whether [`acquire`](Self::acquire) would fail at once, as far as is known.
    ///
    /// # Errors
    /// [`NoLease`], where it would.
    pub fn would_acquire(&self, ledger: &str) -> Result<(), NoLease> {
        let now = Clock::instant();
        let (leased, offline) = self.replica.lock().usable(ledger, now);
        if leased > 0 {
            return Ok(());
        }
        if !self.tier.is_up() {
            let away = NoLease { reason: "away", available_at: now + self.timing.beat };
            return if offline > 0 { Ok(()) } else { Err(away) };
        }
        let refused = self.ledgers.lock().get(ledger).and_then(|entry| entry.refused);
        refused.filter(|refused| refused.available_at > now).map_or(Ok(()), Err)
    }

    /// The calls that other replicas have spent and hold, as of the last beat; also where nothing is spent here.
    #[must_use]
    pub fn others(&self, ledger: &str) -> Others {
        if let Some(entry) = self.ledgers.lock().get_mut(ledger) {
            entry.looked_at = true;
        }
        self.replica.lock().others(ledger, Clock::instant())
    }

    /// The calls that a payer has spent at other replicas.
    #[must_use]
    pub fn spent_with_others(&self, ledger: &str, payer: u64) -> u32 {
        self.replica.lock().spent_with_others(ledger, payer)
    }

    /// How many replicas there are, and whether this one is given leases.
    pub(in crate::cluster) fn replicas(&self) -> (u32, bool) {
        let replica = self.replica.lock();
        (replica.live(), replica.is_eligible())
    }

    /// Completes when this replica is given leases, or after `limit`.
    pub async fn joined(&self, limit: Duration) {
        let until = Clock::instant() + limit;
        while self.tier.is_up() && !self.replica.lock().is_eligible() && Clock::instant() < until {
            sleep(self.timing.beat / 8).await;
        }
    }

    /// Tells the tier regularly that this replica is there, and what it has spent, until this is dropped.
    pub(in crate::cluster) fn start(self: &Arc<Self>) {
        let leases = Arc::downgrade(self);
        #[expect(clippy::disallowed_methods, reason = "one for a service, and it ends with it")]
        tokio::spawn(async move {
            loop {
                let Some(leases) = leases.upgrade() else { return };
                leases.beat().await;
                let (tier, beat) = (leases.tier.clone(), leases.timing.beat);
                let settled = leases.replica.lock().is_eligible();
                drop(leases);
                let pause = if settled { beat } else { beat / 4 };
                tokio::select! {
                    () = sleep(pause) => {}
                    () = tier.restored() => {}
                }
            }
        });
    }

    /// Tells the tier for the last time: nothing that is not used stays booked, and no replica waits for this one.
    pub async fn close(&self) {
        let ledgers: Vec<_> = self.ledgers.lock().keys().cloned().collect();
        let _step = self.step.lock().await;
        self.replica.lock().leave();
        for ledger in ledgers {
            if self.tell(Some(&ledger)).await.is_err() {
                return;
            }
        }
    }

    async fn beat(&self) {
        let _step = self.step.lock().await;
        if self.tell(None).await.is_err() {
            return;
        }
        let (untold, known) = {
            let replica = self.replica.lock();
            (replica.untold(), replica.ledgers())
        };
        let now = Clock::instant();
        let mut held = 0;
        let looked_at =
            |(name, entry): (&Arc<str>, &mut LeasedLedger)| std::mem::take(&mut entry.looked_at).then(|| name.clone());
        let mut active: HashSet<_> = self.ledgers.lock().iter_mut().filter_map(looked_at).collect();
        for ledger in known {
            let usable = self.replica.lock().usable(&ledger, now).0;
            held += usable;
            let source = self.ledgers.lock().get(&ledger).and_then(|entry| entry.source.upgrade());
            if source.as_ref().is_some_and(|source| usable > 0 || !source.ends().is_empty()) {
                active.insert(ledger);
            } else if source.is_none() {
                self.ledgers.lock().remove(&ledger);
                self.replica.lock().forget(&ledger);
            }
        }
        self.metrics.leases_held(held);
        let mut active: Vec<_> = active.into_iter().collect();
        fastrand::shuffle(&mut active);
        active.truncate(LEDGERS_IN_BEAT);
        for ledger in untold.iter().chain(active.iter().filter(|ledger| !untold.contains(ledger))) {
            if self.tell(Some(ledger)).await.is_err() {
                return;
            }
        }
        if !untold.is_empty() {
            // Now the tier knows everything, and is told so.
            let _ = self.tell(None).await;
        }
    }

    /// One step, repeated where the tier is in another epoch.
    async fn tell(&self, ledger: Option<&Arc<str>>) -> Result<(), TierError> {
        for _ in 0..REPEATS {
            let nonce = format!("{:024x}", fastrand::u128(..) >> 32);
            let now = Clock::instant();
            let step = {
                // Locked for both: see the invariant.
                let mut replica = self.replica.lock();
                let report = ledger.map(|ledger| self.report(ledger, replica.live()));
                replica.step(ledger.zip(report.as_ref()), &nonce, now)
            };
            let mut keys = vec![self.state_key.as_str()];
            keys.extend(ledger.map(|ledger| &**ledger));
            let copies = self.confirmations();
            let answer = self.tier.run(&self.script, LEASE_SCRIPT, &keys, &step.arguments, copies).await;
            let (value, confirmed) = answer?;
            let parts: Vec<String> = redis::from_redis_value(value).map_err(|_| TierError::Garbage)?;
            let Some(reply) = Reply::read(&parts) else {
                tracing::warn!("the cluster's tier answers a step of the lease protocol with what makes no sense");
                return Err(TierError::Garbage);
            };
            self.copies.store(reply.copies(), Ordering::Relaxed);
            let confirmed = confirmed >= copies;
            if reply.grants() && self.unconfirmed.swap(!confirmed, Ordering::Relaxed) == confirmed && !confirmed {
                tracing::warn!("no copy of the cluster's tier confirms leases: they are not used until one does");
            }
            if !self.replica.lock().answered(&step, &reply, confirmed, Clock::instant()) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// How many copies are waited for.
    fn confirmations(&self) -> u32 {
        self.settings.confirmations.unwrap_or_else(|| self.copies.load(Ordering::Relaxed).min(1))
    }

    fn report(&self, ledger: &Arc<str>, live: u32) -> Report {
        let mut ledgers = self.ledgers.lock();
        let Some(entry) = ledgers.get_mut(ledger) else { return Report::default() };
        let Some(source) = entry.source.upgrade() else { return Report::default() };
        let (recent, since) = entry.recent;
        let idle = Clock::elapsed_since(since) >= self.timing.lease;
        let spendable = source.spendable();
        let limit = (spendable / (LEASES_IN_PLAN * live)).max(1);
        let want = entry.waiting.max(if idle { 0 } else { recent }).min(limit);
        if idle {
            entry.recent = (0, Clock::instant());
        }
        drop(ledgers);
        Report { ends: source.ends(), payers: source.payers(), want, offline: self.settings.offline_calls, spendable }
    }

    fn take(self: &Arc<Self>, ledger: &Arc<str>) -> Option<LeasedCall> {
        let now = Clock::instant();
        let away = !self.tier.is_up();
        let mut replica = self.replica.lock();
        let taken =
            replica.take(ledger, now).or_else(|| if away { replica.take_offline(ledger, now) } else { None })?;
        drop(replica);
        if taken == Taken::Offline {
            self.metrics.spent_offline();
        }
        Some(LeasedCall { leases: self.clone(), ledger: ledger.clone(), taken: Some(taken) })
    }

    fn settle(&self, ledger: &Arc<str>, taken: Taken, made: bool) {
        self.replica.lock().settle(ledger, taken, made);
        if made && let Some(entry) = self.ledgers.lock().get_mut(ledger) {
            entry.recent.0 += 1;
        }
    }

    fn refuse(&self, ledger: &Arc<str>, told: bool) -> NoLease {
        let now = Clock::instant();
        let replica = self.replica.lock();
        let refused = if told { replica.refused(ledger) } else { None };
        let soon = now + self.timing.beat;
        let (reason, available_at) = match refused {
            _ if !told => ("away", soon),
            Some(Refusal::Spent) => {
                ("spent", replica.others(ledger, now).next_expiry().map_or(soon, |at| at.max(soon)))
            }
            Some(Refusal::Joining) => ("joining", replica.ready_at().map_or(soon, |at| at.max(soon))),
            Some(Refusal::Unsure) => ("unsure", soon),
            None => ("away", soon),
        };
        drop(replica);
        let refused = NoLease { reason, available_at };
        if let Some(entry) = self.ledgers.lock().get_mut(ledger) {
            // Asked again at the next beat at the latest: another replica may have given calls back.
            entry.refused = Some(NoLease { available_at: available_at.min(soon), ..refused });
        }
        refused
    }
}

/// Counts a call that waits for a lease.
struct LeaseWait<'l>(&'l Leases, &'l Arc<str>);

impl<'l> LeaseWait<'l> {
    fn new(leases: &'l Leases, ledger: &'l Arc<str>) -> Self {
        if let Some(entry) = leases.ledgers.lock().get_mut(ledger) {
            entry.waiting += 1;
        }
        Self(leases, ledger)
    }
}

impl Drop for LeaseWait<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.0.ledgers.lock().get_mut(self.1) {
            entry.waiting = entry.waiting.saturating_sub(1);
        }
    }
}
