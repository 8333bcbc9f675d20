//! The board of feeds: the teams that are listened to, and what their listeners see of them.
//!
//! Whatever reads a roster publishes it here, a query's load as well as the poller's. A channel holds the newest state alone, and
//! an answer that says the same as the one before makes no new one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::polling_share::Demand;
use crate::model::{FeedPrice, Grant, Invalidation, InvalidationMode, LiveTeam, Roster, RosterKey, UpstreamError};

/// All feeds.
#[derive(Default)]
pub(super) struct FeedBoard {
    feeds: Mutex<HashMap<RosterKey, Arc<Feed>>>,
    /// Grows with everything that a fair share depends on.
    version: AtomicU64,
    opened: AtomicU64,
}

/// One team that is listened to.
pub(super) struct Feed {
    /// Its own, among all feeds there ever were.
    pub(super) number: u64,
    pub(super) key: RosterKey,
    pub(super) team: watch::Sender<Option<LiveTeam>>,
    listeners: Mutex<Listeners>,
    /// Notified when listeners come or go, and when there is something to do before the next poll is due.
    pub(super) changed: Notify,
    price: Mutex<FeedPrice>,
    taken_back: Mutex<TakenBack>,
}

/// Up to when the operator has taken back what was read.
#[derive(Clone, Copy, Default)]
struct TakenBack {
    /// It has to be read again.
    stale: Option<Instant>,
    /// It may not be shown to anybody who has not seen it.
    gone: Option<Instant>,
}

#[derive(Default)]
struct Listeners {
    entries: Vec<ListenerEntry>,
    next: u64,
    /// How many polls there were: who pays for the next.
    polls: usize,
}

struct ListenerEntry {
    id: u64,
    grant: Grant,
    interval: Duration,
}

impl FeedBoard {
    /// Adds a listener to a team's feed; with `true` where the feed is new and needs a poller.
    pub(super) fn join(&self, grant: &Grant, interval: Duration) -> (Arc<Feed>, u64, bool) {
        let mut feeds = self.feeds.lock();
        let mut is_new = false;
        let feed = feeds.entry(grant.key().clone()).or_insert_with(|| {
            is_new = true;
            Arc::new(Feed {
                number: self.opened.fetch_add(1, Ordering::Relaxed),
                key: grant.key().clone(),
                team: watch::channel(None).0,
                listeners: Mutex::default(),
                changed: Notify::new(),
                price: Mutex::new(FeedPrice { interval, calls: 1 }),
                taken_back: Mutex::default(),
            })
        });
        let mut listeners = feed.listeners.lock();
        let id = listeners.next;
        listeners.next += 1;
        listeners.entries.push(ListenerEntry { id, grant: grant.clone(), interval });
        drop(listeners);
        self.touch();
        feed.changed.notify_one();
        (feed.clone(), id, is_new)
    }

    /// The right to make the next poll, a listener's in turn, and the shortest interval asked for; `None` where no one listens
    /// any more, and the feed is gone.
    pub(super) fn payer(&self, feed: &Feed) -> Option<(Grant, Duration)> {
        let mut feeds = self.feeds.lock();
        let mut listeners = feed.listeners.lock();
        let Some(interval) = listeners.shortest() else {
            feeds.remove(&feed.key);
            drop((listeners, feeds));
            self.touch();
            return None;
        };
        let turn = listeners.polls % listeners.entries.len();
        listeners.polls = listeners.polls.wrapping_add(1);
        Some((listeners.entries[turn].grant.clone(), interval))
    }

    /// The demand of every feed of a plan; `floor` is the shortest interval. All feeds, or those of the same credential.
    pub(super) fn demands(&self, of: &RosterKey, shared: bool, floor: Duration) -> Vec<Demand> {
        let feeds = self.feeds.lock();
        let same_plan = feeds.values().filter(|feed| shared || feed.key.credential == of.credential);
        same_plan.filter_map(|feed| feed.demand(floor)).collect()
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    fn touch(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// The operator has taken back what was read of these teams by then: their pollers read them again now.
    pub(super) fn take_back(&self, invalidation: &Invalidation, at: Instant) {
        for feed in self.feeds.lock().values().filter(|feed| invalidation.scope.covers(&feed.key)) {
            let mut taken_back = feed.taken_back.lock();
            taken_back.stale = taken_back.stale.max(Some(at));
            if invalidation.mode == InvalidationMode::Hard {
                taken_back.gone = taken_back.gone.max(Some(at));
            }
            drop(taken_back);
            feed.changed.notify_one();
        }
    }

    /// A roster was read, by whatever load.
    pub(super) fn publish(&self, key: &RosterKey, roster: &Arc<Roster>, began: Instant, calls: u32, now: Instant) {
        let feed = self.feeds.lock().get(key).cloned();
        let Some(feed) = feed else { return };
        let known = std::mem::replace(&mut feed.price.lock().calls, calls.max(1));
        if known != calls.max(1) {
            self.touch();
        }
        feed.loaded(roster, began, now);
        feed.changed.notify_one();
    }
}

impl Feed {
    /// Removes a listener. The poller removes the feed after the last one.
    pub(super) fn leave(&self, board: &FeedBoard, id: u64) {
        self.listeners.lock().entries.retain(|entry| entry.id != id);
        board.touch();
        self.changed.notify_one();
    }

    /// Whether there is no listener.
    pub(super) fn is_deserted(&self) -> bool {
        self.listeners.lock().entries.is_empty()
    }

    /// Whether the operator has taken back what began to be read then.
    pub(super) fn is_taken_back(&self, began: Instant) -> bool {
        self.taken_back.lock().stale.is_some_and(|at| began <= at)
    }

    /// Whether the operator has taken back what the listeners see.
    pub(super) fn is_outdated(&self) -> bool {
        self.began().is_some_and(|began| self.is_taken_back(began))
    }

    /// Since when what was read before has to be read again.
    pub(super) fn taken_back_at(&self) -> Option<Instant> {
        self.taken_back.lock().stale
    }

    /// Whether what began to be read then may not be shown any more.
    pub(super) fn is_withdrawn(&self, began: Instant) -> bool {
        self.taken_back.lock().gone.is_some_and(|at| began <= at)
    }

    fn demand(&self, floor: Duration) -> Option<Demand> {
        let interval = self.listeners.lock().shortest()?;
        Some(Demand { calls: self.price.lock().calls, interval: interval.max(floor) })
    }

    /// When the first call of the load was started that the listeners see.
    pub(super) fn began(&self) -> Option<Instant> {
        self.team.borrow().as_ref().and_then(|team| team.began)
    }

    pub(super) fn is_stale(&self) -> bool {
        self.team.borrow().as_ref().is_some_and(|team| team.stale)
    }

    pub(super) fn price(&self) -> FeedPrice {
        *self.price.lock()
    }

    /// Sets how often it is read. That alone is no event.
    pub(super) fn set_interval(&self, interval: Duration) {
        self.price.lock().interval = interval;
        let price = self.price();
        self.team.send_if_modified(|team| {
            if let Some(team) = team {
                team.price = price;
            }
            false
        });
    }

    /// A snapshot was read. One that says the same as the last is the last, only fresher.
    pub(super) fn loaded(&self, roster: &Arc<Roster>, began: Instant, now: Instant) {
        if self.is_withdrawn(began) {
            return;
        }
        let known = self.team.borrow().as_ref().and_then(|team| team.roster.clone().ok());
        let same = known.filter(|known| Arc::ptr_eq(known, roster) || known.same_team(roster));
        let (price, is_same) = (self.price(), same.is_some());
        let roster = same.unwrap_or_else(|| roster.clone());
        self.team.send_if_modified(|team| {
            if team.as_ref().is_some_and(|team| team.began.is_some_and(|known| known >= began)) {
                return false;
            }
            match team {
                Some(team) if is_same && !team.stale && team.roster.is_ok() => {
                    // What was withdrawn may be shown again.
                    let before = team.began.replace(began);
                    before.is_some_and(|before| self.is_withdrawn(before))
                }
                team => {
                    let generation = team.as_ref().map_or(0, |team| team.generation + 1);
                    let began = Some(began);
                    *team = Some(LiveTeam { generation, roster: Ok(roster), stale: false, price, since: now, began });
                    true
                }
            }
        });
    }

    /// No snapshot is left that may be shown.
    pub(super) fn failed(&self, error: UpstreamError, now: Instant) {
        let price = self.price();
        self.team.send_if_modified(|team| {
            let known = team.as_ref().and_then(|team| team.roster.as_ref().err());
            if known.is_some_and(|known| known.kind() == error.kind()) {
                return false;
            }
            let generation = team.as_ref().map_or(0, |team| team.generation + 1);
            *team = Some(LiveTeam { generation, roster: Err(error), stale: false, price, since: now, began: None });
            true
        });
    }

    /// A newer snapshot was due and has not come.
    pub(super) fn overdue(&self, now: Instant) {
        self.team.send_if_modified(|team| match team {
            Some(team) if !team.stale && team.roster.is_ok() => {
                (team.generation, team.stale, team.since) = (team.generation + 1, true, now);
                true
            }
            _ => false,
        });
    }
}

impl Listeners {
    fn shortest(&self) -> Option<Duration> {
        self.entries.iter().map(|entry| entry.interval).min()
    }
}
