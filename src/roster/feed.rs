//! The feed: one poller for each roster that is listened to, however many listen.
//!
//! A roster is read at the longest of what its listeners ask for, the configured floor, and what the budget allows; its load
//! counts like any other, so a plan that is spent stops it. An invalidation makes it due. The poller ends with the last listener.
//! Where replicas share a plan, one of them polls a team for all, when it is its turn (`shared_polls`). A team is stale for its
//! listeners when nothing newer came within its fresh window and the interval that they were told.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::feed_board::{Feed, FeedBoard};
use super::polling_share::{Demand, fair_interval};
use super::rosters::Rosters;
use super::shared_polls::polls_apart;
use crate::config;
use crate::model::{Clock, Grant, LiveTeam};
use crate::telemetry::Metrics;

/// The age at which a poll accepts another load's roster: a roster younger than this part of the interval.
const YOUNG: f64 = 0.9;
/// How long after a poll that made no call the next one is tried, at least.
const RETRY: Duration = Duration::from_secs(1);
/// How much later than due a poll may end before the team counts as stale.
const GRACE: Duration = Duration::from_secs(5);

/// The feeds of all rosters.
#[derive(Clone)]
pub struct Feeds {
    rosters: Arc<Rosters>,
    board: Arc<FeedBoard>,
    settings: config::LiveConfig,
    fresh_for: Duration,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// Listens to one team until it is dropped.
pub struct Listener {
    watcher: Watcher,
    board: Arc<FeedBoard>,
    id: u64,
}

/// Sees the states of a team as long as others listen to it.
pub struct Watcher {
    team: watch::Receiver<Option<LiveTeam>>,
    feed: Arc<Feed>,
}

impl Feeds {
    /// Feeds that are read through `rosters`.
    #[must_use]
    pub fn new(rosters: Arc<Rosters>, settings: &config::LiveConfig, metrics: Arc<Metrics>) -> Self {
        let (board, fresh_for, clock) = (rosters.feeds.clone(), rosters.settings.fresh_for, rosters.clock);
        Self { rosters, board, settings: settings.clone(), fresh_for, clock, metrics }
    }

    /// Listens to the team that the grant opens; `interval` is how often the listener wants it to be read.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "one poller for each team, which ends with its last listener")]
    pub fn listen(&self, grant: &Grant, interval: Option<Duration>) -> Listener {
        let interval = interval.unwrap_or(self.settings.interval).max(self.settings.interval_floor);
        let (feed, id, is_new) = self.board.join(grant, interval);
        if is_new {
            let poller = Poller::new(self.clone(), feed.clone());
            self.metrics.live().poller_started();
            tokio::spawn(poller.run());
        }
        Listener { watcher: Watcher::new(feed), board: self.board.clone(), id }
    }
}

impl Listener {
    /// The next state: the current one at first, and the newest whenever there were several since the last.
    pub async fn next(&mut self) -> LiveTeam {
        self.watcher.next().await
    }

    /// A look at the same states, which is no listener itself.
    #[must_use]
    pub fn watcher(&self) -> Watcher {
        Watcher::new(self.watcher.feed.clone())
    }

    /// Whether the operator has withdrawn what began to be read then.
    #[must_use]
    pub fn is_withdrawn(&self, read_at: Instant) -> bool {
        self.watcher.is_withdrawn(read_at)
    }

    /// Which feed it listens to. One that ended and began again is another.
    #[must_use]
    pub fn feed(&self) -> u64 {
        self.watcher.feed.number
    }
}

impl Watcher {
    fn new(feed: Arc<Feed>) -> Self {
        let mut team = feed.team.subscribe();
        if team.borrow().is_some() {
            team.mark_changed();
        }
        Self { team, feed }
    }

    /// As for [`Listener::is_withdrawn`].
    #[must_use]
    pub fn is_withdrawn(&self, read_at: Instant) -> bool {
        self.feed.is_withdrawn(read_at)
    }

    /// The next state, as for [`Listener::next`].
    pub async fn next(&mut self) -> LiveTeam {
        loop {
            // The sender is in the feed, which is kept.
            if self.team.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(team) = self.team.borrow_and_update().clone() {
                return team;
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.watcher.feed.leave(&self.board, self.id);
    }
}

struct Poller {
    feeds: Feeds,
    feed: Arc<Feed>,
    /// The interval of one version of the board.
    interval: Option<(u64, Duration)>,
    /// For how long the last poll waited for its turn, after it was due.
    waited: Duration,
}

/// How often a roster is read.
#[derive(Clone, Copy)]
struct Intervals {
    /// Its share of the plan.
    fair: Duration,
    /// The same while the plan is short.
    now: Duration,
}

/// When a poll may be made that is due.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PollTiming {
    /// At once: the team has not been read here yet, or the operator has taken back what was read.
    Now,
    /// When it is its turn among those of all replicas.
    InLine,
}

/// Counts a poller until it ends, in whatever way.
struct PollerCount(Arc<Metrics>);

impl Drop for PollerCount {
    fn drop(&mut self) {
        self.0.live().poller_ended();
    }
}

impl Poller {
    fn new(feeds: Feeds, feed: Arc<Feed>) -> Self {
        Self { feeds, feed, interval: None, waited: Duration::ZERO }
    }

    async fn run(mut self) {
        let _counted = PollerCount(self.feeds.metrics.clone());
        let clock = self.feeds.clock;
        // Not before this instant, where the last poll brought nothing.
        let mut retry_at: Option<Instant> = None;
        let mut turn = PollTiming::Now;
        while let Some((grant, asked)) = self.feeds.board.payer(&self.feed) {
            let intervals = self.intervals(&grant, asked);
            let Intervals { fair, now: interval } = intervals;
            let (began, taken_back, now) = (self.feed.began(), self.feed.taken_back_at(), clock.now());
            let regular = began.filter(|began| !self.feed.is_taken_back(*began)).map(|began| began + interval);
            let due = retry_at.or(regular).unwrap_or(now);
            if due <= now {
                if self.feed.is_outdated() {
                    turn = PollTiming::Now;
                }
                retry_at = self.read_while_wanted(&grant, intervals, turn).await.map(|wait| clock.now() + wait);
                turn = PollTiming::InLine;
                continue;
            }
            let overdue = began.filter(|_| !self.feed.is_stale()).map(|began| began + self.window(fair) + GRACE);
            // What the plan allows is looked at again meanwhile.
            let wake = overdue.map_or(due, |overdue| overdue.min(due)).min(now + fair);
            tokio::select! {
                () = sleep_until(wake) => {}
                () = self.feed.changed.notified() => {
                    // What came meanwhile may be a newer snapshot, of another load, or the operator's word that there is one.
                    if self.feed.began() > began || self.feed.taken_back_at() > taken_back {
                        retry_at = None;
                    }
                }
            }
            if overdue.is_some_and(|overdue| overdue <= clock.now() && self.feed.began() == began) {
                self.feed.overdue(clock.now());
            }
        }
    }

    /// Reads the roster, unless the last listener leaves before, or it is not to wait for its turn any longer. (The load goes on if
    /// it has made a call.)
    async fn read_while_wanted(&mut self, grant: &Grant, intervals: Intervals, turn: PollTiming) -> Option<Duration> {
        let (feed, clock, began) = (self.feed.clone(), self.feeds.clock, self.feed.began());
        let mut overdue = began.filter(|_| !feed.is_stale()).map(|began| began + self.window(intervals.fair) + GRACE);
        let mut read = pin!(self.read(grant, intervals, turn));
        loop {
            let late = async move {
                match overdue {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                wait = &mut read => return wait,
                () = feed.changed.notified() => {
                    if feed.is_deserted() || turn == PollTiming::InLine && feed.is_outdated() {
                        return None;
                    }
                }
                () = late => {
                    overdue = None;
                    if feed.began() == began {
                        feed.overdue(clock.now());
                    }
                }
            }
        }
    }

    /// For how long a snapshot is not stale for its listeners. That a plan is short does not make it longer.
    fn window(&self, fair: Duration) -> Duration {
        self.feeds.fresh_for.max(fair + self.waited)
    }

    /// How often the roster is read: the longest of what was asked for and what the budget allows.
    fn intervals(&mut self, grant: &Grant, asked: Duration) -> Intervals {
        let feeds = &self.feeds;
        let version = feeds.board.version();
        let fair = match self.interval {
            Some((known, fair)) if known == version => fair,
            _ => {
                let fair = self.fair(asked);
                self.interval = Some((version, fair));
                fair
            }
        };
        let (upstream, credential) = (&self.feeds.rosters.upstream, &grant.key().credential);
        let stretch = upstream.pressure(credential).stretch;
        let longest = upstream.refresh_plan(credential).map_or(fair, |plan| plan.window.max(fair));
        let now = fair.mul_f64(stretch.clamp(1.0, 1e6)).min(longest);
        // With replicas, what each of its polls waits for those of other teams.
        self.feed.set_interval(now + self.waited);
        Intervals { fair, now }
    }

    fn fair(&self, asked: Duration) -> Duration {
        let settings = &self.feeds.settings;
        let Some(plan) = self.feeds.rosters.upstream.refresh_plan(&self.feed.key.credential) else { return asked };
        let rate = f64::from(plan.calls) * settings.budget_ratio / plan.window.as_secs_f64().max(1e-3);
        let demands = self.feeds.board.demands(&self.feed.key, plan.shared, settings.interval_floor);
        let own = Demand { calls: self.feed.price().calls, interval: asked };
        fair_interval(own, demands.into_iter(), rate)
    }

    /// Reads the roster, and returns how long to wait where that brought nothing newer.
    async fn read(&mut self, grant: &Grant, intervals: Intervals, turn: PollTiming) -> Option<Duration> {
        let Intervals { fair, now: interval } = intervals;
        let asked = self.feeds.clock.now();
        let oldest = asked.checked_sub(interval.mul_f64(YOUNG)).unwrap_or(asked);
        let second = self.feeds.rosters.loads.second.clone().filter(|_| turn == PollTiming::InLine);
        let read = match second.zip(self.feeds.rosters.upstream.refresh_plan(&grant.key().credential)) {
            None => self.feeds.rosters.get(grant, Some(interval.mul_f64(YOUNG))).await,
            Some((second, plan)) => {
                let apart = polls_apart(&plan, self.feeds.settings.budget_ratio, self.feed.price().calls);
                let claim = second.poll_turn(grant, &plan, apart, oldest, interval).await;
                let now = self.feeds.clock.now();
                self.waited = now - asked;
                let read = self.feeds.rosters.get(grant, Some(now - oldest));
                let read = second.holding(claim.as_ref(), second.poll_claim_time(interval), read).await;
                second.polled(claim, interval);
                read
            }
        };
        let (feeds, feed) = (&self.feeds, &self.feed);
        let now = feeds.clock.now();
        let soon = |asked: Duration| asked.max(RETRY).min(interval);
        let wait = |calls: u32, asked: Duration| if calls > 0 { interval } else { soon(asked) };
        match read {
            Ok(cached) => {
                let began = now.checked_sub(cached.age).unwrap_or(now);
                feed.loaded(&cached.roster, began, now);
                let taken_back = feed.is_taken_back(began);
                if cached.age < interval && !taken_back {
                    return None;
                }
                if cached.age >= self.window(fair) || taken_back {
                    feed.overdue(now);
                }
                // What was taken back while it was read is read again soon, whatever it has cost.
                Some(if taken_back { soon(RETRY) } else { wait(cached.calls, RETRY) })
            }
            Err(failed) => {
                let asked = failed.error.retry_after().unwrap_or(RETRY);
                feed.failed(failed.error, now);
                Some(wait(failed.calls, asked))
            }
        }
    }
}
