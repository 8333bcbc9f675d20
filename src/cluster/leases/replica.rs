//! One replica's side of the lease protocol, as a state machine: it has no sockets, no locks and no clock of its own.
//!
//! A step is a request to the tier and its answer; a request without an answer counts as having happened. The replica alone
//! knows what it has spent, and says all of it with each step, so that a tier that has lost its data learns it again; of the
//! others it remembers what the tier said last, and puts that back for those that are gone.
//! Invariant: a call is made only from a pool that the tier has granted, and what is reported never leaves out such a call.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::others::Others;
use super::pool::Pool;
use super::record::{Certainty, ReplicaRecord, TierTime, until, write_ends, write_payers};
use super::reply::{LedgerReply, Listed, Reply, Status};
use super::timing::Timing;

/// A replica, its place among the others, and its leases.
pub struct Replica {
    id: String,
    timing: Timing,
    started: Instant,
    epoch: Option<String>,
    acknowledged: u64,
    members: Vec<Listed>,
    live: u32,
    eligible: bool,
    ready_at: Option<Instant>,
    half_until: Option<Instant>,
    /// The spending of the epoch before, until the tier has it.
    upload: Option<Upload>,
    leases: HashMap<Arc<str>, Lease>,
    leaving: bool,
}

struct Upload {
    half_until: Option<Instant>,
    members: Vec<(String, bool)>,
}

/// The leases of one ledger.
#[derive(Default)]
struct Lease {
    seq: u64,
    pool: Pool,
    offline: Pool,
    /// The epoch of the last answer, and the tier's time then.
    epoch: Option<String>,
    told_at: u64,
    others: Vec<ReplicaRecord>,
    half: u32,
    refused: Option<Refusal>,
}

/// Why the tier gives no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The plan is spent.
    Spent,
    /// The replica, or the tier, is new: others are waited for.
    Joining,
    /// A replica is gone together with the tier's data, so it is unknown what it has spent.
    Unsure,
}

/// A replica's report on a ledger.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// When each call that counts has ended, or will have at the latest.
    pub ends: Vec<Instant>,
    /// The spending of each payer.
    pub payers: Vec<(u64, u32)>,
    /// How many unused calls to hold from now on.
    pub want: u32,
    /// How many calls to hold for when the tier is away.
    pub offline: u32,
    /// The calls that all replicas may make in a window.
    pub spendable: u32,
}

/// A request to the tier, and what is needed to read its answer.
#[derive(Clone, Debug)]
pub struct LeaseRequest {
    /// The arguments of the script.
    pub arguments: Vec<String>,
    /// The ledger that it is about.
    pub ledger: Option<Arc<str>>,
    epoch: Option<String>,
    sent: Instant,
    made: (u64, u64),
    uploads: bool,
}

impl Replica {
    /// A replica of this name, which no other process ever has.
    #[must_use]
    pub fn new(id: String, timing: Timing, now: Instant) -> Self {
        Self {
            id,
            timing,
            started: now,
            epoch: None,
            acknowledged: 0,
            members: Vec::new(),
            live: 1,
            eligible: false,
            ready_at: None,
            half_until: None,
            upload: None,
            leases: HashMap::new(),
            leaving: false,
        }
    }

    /// From the next step on, the replica is gone: it takes no more calls.
    pub fn leave(&mut self) {
        self.leaving = true;
        for lease in self.leases.values_mut() {
            lease.pool.end();
            lease.offline.end();
        }
    }

    /// The next step: that the replica is there and, with a ledger, all that it has spent and holds of it. `nonce` is the name of
    /// the epoch that begins where the tier has lost its data.
    pub fn step(&mut self, ledger: Option<(&Arc<str>, &Report)>, nonce: &str, now: Instant) -> LeaseRequest {
        let timing = &self.timing;
        let millis = |duration: Duration| duration.as_millis().to_string();
        let complete = self.is_complete();
        let upload = self.upload.as_ref().map_or_else(String::new, |upload| {
            let half = upload.half_until.map_or(0, |half| until(half, now));
            let members = upload.members.iter().map(|(id, gone)| format!("{id},{};", u8::from(*gone)));
            format!("{half};{}", members.collect::<String>())
        });
        let mut arguments = vec![
            self.id.clone(),
            nonce.to_owned(),
            self.epoch.clone().unwrap_or_default(),
            u8::from(self.leaving).to_string(),
            millis(timing.silence),
            millis(timing.lease),
            millis(timing.late),
            millis(timing.window),
            millis(timing.bucket),
            millis(timing.advance),
            millis(timing.longest),
            self.acknowledged.to_string(),
            u8::from(complete).to_string(),
            upload,
        ];
        let mut made = (0, 0);
        if let Some((name, report)) = ledger {
            let lease = self.leases.entry(name.clone()).or_default();
            lease.seq += 1;
            lease.pool.release(report.want, now);
            lease.offline.release(report.offline, now);
            made = (lease.pool.made(), lease.offline.made());
            let left = |pool: &Pool| pool.until().map_or(0, |at| until(at, now)).to_string();
            let (mut ends, mut payers, mut others) = (String::new(), String::new(), String::new());
            write_ends(&mut ends, report.ends.iter().map(|end| (*end, 1)), now, timing.bucket);
            write_payers(&mut payers, &report.payers);
            let before = lease.epoch.is_some() && lease.epoch != self.epoch;
            if before {
                for record in &lease.others {
                    record.write(&mut others, now);
                }
            }
            let remembers = before && lease.half == 0;
            arguments.extend([
                lease.seq.to_string(),
                lease.pool.reported().to_string(),
                left(&lease.pool),
                report.want.max(lease.pool.reported()).to_string(),
                lease.offline.reported().to_string(),
                left(&lease.offline),
                report.offline.max(lease.offline.reported()).to_string(),
                ends,
                payers,
                report.spendable.to_string(),
                others,
                u8::from(remembers).to_string(),
            ]);
        }
        let uploads = self.upload.is_some();
        LeaseRequest {
            arguments,
            ledger: ledger.map(|(name, _)| name.clone()),
            epoch: self.epoch.clone(),
            sent: now,
            made,
            uploads,
        }
    }

    /// Takes in the answer to a step; `confirmed` says whether what it grants may be used. Returns whether to repeat the step,
    /// because the tier is in another epoch.
    pub fn answered(&mut self, step: &LeaseRequest, reply: &Reply, confirmed: bool, now: Instant) -> bool {
        if reply.status == Status::OtherEpoch {
            if self.epoch.as_deref() != Some(&reply.epoch) && step.epoch == self.epoch {
                self.enter(&reply.epoch);
            }
            return true;
        }
        if self.epoch.as_deref() != Some(&reply.epoch) || step.epoch != self.epoch {
            return false;
        }
        self.acknowledged = self.acknowledged.max(reply.now);
        self.members.clone_from(&reply.members);
        self.live = reply.live.max(1);
        self.eligible = reply.eligible;
        self.ready_at = Some(now + Duration::from_millis(reply.ready_in.min(u64::from(u32::MAX))));
        self.half_until =
            (reply.half_left > 0).then(|| now + Duration::from_millis(reply.half_left.min(u64::from(u32::MAX))));
        if step.uploads {
            self.upload = None;
        }
        let (Some(name), Some(told)) = (&step.ledger, &reply.ledger) else { return false };
        let time = TierTime { tier: reply.now, here: now };
        let Some(others) = read_records(told, time) else { return false };
        let timing = self.timing;
        let Some(lease) = self.leases.get_mut(name) else { return false };
        lease.others = others;
        lease.half = told.half;
        lease.told_at = reply.now;
        lease.epoch = Some(reply.epoch.clone());
        lease.refused = match told.refused.as_str() {
            "spent" => Some(Refusal::Spent),
            "joining" => Some(Refusal::Joining),
            "unsure" => Some(Refusal::Unsure),
            _ => None,
        };
        if confirmed {
            // By this clock, from before the request was sent, less what this clock may be slower by.
            let ends = |length: Duration| told.extended.then(|| step.sent + length - length / 500);
            lease.pool.granted(told.unused, step.made.0, ends(timing.lease));
            lease.offline.granted(told.offline, step.made.1, ends(timing.window));
        }
        false
    }

    /// The tier has begun another epoch: what is known of the one before is kept, to be put back.
    fn enter(&mut self, epoch: &str) {
        if let Some(before) = self.epoch.take() {
            for lease in self.leases.values_mut().filter(|lease| lease.epoch.is_some()) {
                let current = lease.epoch.as_ref() == Some(&before);
                for member in self.members.iter().filter(|member| member.id != self.id) {
                    // A record is the last one where it was read after its replica had been taken for gone.
                    let certainty = match member.gone {
                        None => Certainty::Unsure,
                        Some(gone) if current && lease.told_at >= gone => Certainty::Last,
                        Some(_) => Certainty::Outdated,
                    };
                    match lease.others.iter_mut().find(|record| record.id == member.id) {
                        Some(record) => record.certainty = record.certainty.max(certainty),
                        None => lease
                            .others
                            .push(ReplicaRecord { certainty, ..ReplicaRecord::empty(&member.id, self.started) }),
                    }
                }
            }
            let mut members: Vec<_> =
                self.members.iter().map(|member| (member.id.clone(), member.gone.is_some())).collect();
            if let Some(earlier) = self.upload.take() {
                members.extend(earlier.members.into_iter().filter(|(id, _)| self.members.iter().all(|m| m.id != *id)));
            }
            self.upload = Some(Upload { half_until: self.half_until, members });
        }
        self.epoch = Some(epoch.to_owned());
        (self.acknowledged, self.eligible, self.ready_at) = (0, false, None);
    }

    /// Takes a call of a lease that is live.
    pub fn take(&mut self, ledger: &str, now: Instant) -> Option<Taken> {
        let lease = self.leases.get_mut(ledger)?;
        if lease.pool.take(now) {
            return Some(Taken::Leased);
        }
        // What is kept for an outage is not spent in ordinary times.
        None
    }

    /// Takes a call of those that are kept for when the tier is away.
    pub fn take_offline(&mut self, ledger: &str, now: Instant) -> Option<Taken> {
        let lease = self.leases.get_mut(ledger)?;
        lease.offline.take(now).then_some(Taken::Offline)
    }

    /// A call that was taken has been recorded and is made, or is not made.
    pub fn settle(&mut self, ledger: &str, taken: Taken, made: bool) {
        let Some(lease) = self.leases.get_mut(ledger) else { return };
        let pool = match taken {
            Taken::Leased => &mut lease.pool,
            Taken::Offline => &mut lease.offline,
        };
        if made { pool.make() } else { pool.give_back() }
    }

    /// Calls that may be made without a step: of the lease, and of those kept for when the tier is away.
    #[must_use]
    pub fn usable(&self, ledger: &str, now: Instant) -> (u32, u32) {
        self.leases.get(ledger).map_or((0, 0), |lease| (lease.pool.usable(now), lease.offline.usable(now)))
    }

    /// Why the last step gave no lease.
    #[must_use]
    pub fn refused(&self, ledger: &str) -> Option<Refusal> {
        self.leases.get(ledger).and_then(|lease| lease.refused)
    }

    /// The calls of a ledger that other replicas have spent and hold, and those that count as spent because they are
    /// unknown.
    #[must_use]
    pub fn others(&self, ledger: &str, now: Instant) -> Others {
        let Some(lease) = self.leases.get(ledger) else { return Others::default() };
        let half = self.half_until.filter(|until| *until > now || lease.half > 0);
        let unknown = (lease.half, half.filter(|_| lease.half > 0));
        let mut others = Others { calls: lease.half, unknown, first_expiry: None };
        for record in &lease.others {
            let (calls, expiry) = record.counted(now, self.timing.window, self.timing.late);
            others.calls += calls;
            others.first_expiry = others.first_expiry.into_iter().chain(expiry).min();
        }
        others
    }

    /// The calls of a ledger that a payer has spent at other replicas.
    #[must_use]
    pub fn spent_with_others(&self, ledger: &str, payer: u64) -> u32 {
        let records = self.leases.get(ledger).map(|lease| lease.others.as_slice()).unwrap_or_default();
        let payers = records.iter().flat_map(|record| &record.payers);
        payers.filter(|(known, _)| *known == payer).map(|(_, calls)| calls).sum()
    }

    /// Whether leases are given to this replica: the others know it, and the tier has what they remember.
    #[must_use]
    pub fn is_eligible(&self) -> bool {
        self.eligible
    }

    /// When the tier gives leases again, where it has said.
    #[must_use]
    pub fn ready_at(&self) -> Option<Instant> {
        self.ready_at
    }

    /// Replicas that are there.
    #[must_use]
    pub fn live(&self) -> u32 {
        self.live
    }

    /// Ledgers of which the tier has not been told in this epoch.
    #[must_use]
    pub fn untold(&self) -> Vec<Arc<str>> {
        let untold = |lease: &Lease| lease.epoch.is_some() && lease.epoch != self.epoch;
        self.leases.iter().filter(|(_, lease)| untold(lease)).map(|(name, _)| name.clone()).collect()
    }

    /// Ledgers that were ever told of.
    #[must_use]
    pub fn ledgers(&self) -> Vec<Arc<str>> {
        self.leases.keys().cloned().collect()
    }

    /// Forgets a ledger of which nothing counts any more.
    pub fn forget(&mut self, ledger: &str) {
        self.leases.remove(ledger);
    }

    fn is_complete(&self) -> bool {
        self.upload.is_none() && self.epoch.is_some() && self.untold().is_empty()
    }
}

/// Of which pool a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Of a lease.
    Leased,
    /// Of those kept for when the tier is away.
    Offline,
}

fn read_records(told: &LedgerReply, time: TierTime) -> Option<Vec<ReplicaRecord>> {
    told.others.split('/').filter(|text| !text.is_empty()).map(|text| ReplicaRecord::read(text, time)).collect()
}
