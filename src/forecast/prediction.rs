//! The prediction: calls in an hour, and the age of answers, once the service has run for a window.
//!
//! A team is due when its fresh window ends (or a little before, where it is read ahead of time), and is read at the next request
//! for it. Where all of that would take more than four fifths of what a plan has for reading again, the window is stretched by
//! the rule of the ledger, until what is spent and the stretch fit each other. Where it cannot be stretched any further, because
//! teams would be too old to be served, some accounts get no answer.

use std::time::Duration;

use fastrand::Rng;

use super::arrivals::{Rule, readings_per_hour};
use super::polls::{self, Polled};
use super::traffic::{Traffic, seconds};

/// The part of the fresh window from which a team is read ahead of time.
const AHEAD: f64 = 0.85;
/// From this part of what is for reading again, little is left, and the window stretches.
const LOW_WATERMARK: f64 = 0.8;
/// How many accounts are followed: so many that they have about this many clients between them, within bounds.
const CLIENTS: f64 = 2500.0;
const SAMPLE: (f64, f64) = (40.0, 2000.0);

/// The rules that a service follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// How long a team is fresh.
    pub fresh_for: Duration,
    /// How old a team may be that is served at all.
    pub stale_for: Duration,
    /// Whether teams are read ahead of time.
    pub refresh_ahead: bool,
    /// Calls of the plan in a window.
    pub plan: u32,
    /// The window.
    pub window: Duration,
    /// The part of the plan that is spent at most.
    pub utilization: f64,
    /// The part of that which is for teams that are not there yet.
    pub reserve_ratio: f64,
    /// Retries on top, at most.
    pub retry_ratio: f64,
    /// The shortest interval at which a team with subscribers is read.
    pub interval_floor: Duration,
    /// The part of what is for reading again that all teams with subscribers may take together.
    pub live_ratio: f64,
}

/// The forecast of traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Upstream calls in an hour, of all replicas.
    pub calls: f64,
    /// The most, however requests fall: every team is asked for as soon as it is due, and calls fail and are repeated.
    pub worst_calls: f64,
    /// The age of the oldest answers, events of subscriptions included.
    pub oldest: Duration,
    /// How often a team with subscribers is read, at the longest; `None` where no team has any.
    pub poll_interval: Option<Duration>,
    /// The part of the accounts that can be answered. Below 1 the plan is too small, whatever age is allowed.
    pub answered: f64,
    /// By how much the fresh window is stretched.
    pub stretch: f64,
    /// Whether the replicas together may call more often than the plan allows.
    pub overruns: bool,
}

/// Predicts what traffic comes to under these rules.
#[must_use]
pub fn predict(traffic: &Traffic, rules: &Rules) -> Prediction {
    // Replicas that share nothing are services of their own, each with a part of the requests and the whole plan.
    let replicas = f64::from(traffic.replicas.max(1));
    let (services, share) = if traffic.shared { (1.0, 1.0) } else { (replicas, 1.0 / replicas) };
    let per_hour = 3600.0 / seconds(rules.window);
    let spendable = (f64::from(rules.plan) * rules.utilization).floor().max(1.0);
    let refreshing = (spendable - (spendable * rules.reserve_ratio).floor()).max(1.0);
    let accounts = Accounts::of(traffic, services, rules, refreshing * rules.live_ratio);
    let direct = traffic.direct_calls / services;
    let calls = |stretch: f64| direct + accounts.calls(stretch, share, rules);
    // By how much the window is stretched when so much of it is spent, and how much is spent when it is stretched so.
    let stretch_at = |used: f64| ((1.0 - LOW_WATERMARK) / (1.0 - used).max(1e-6)).max(1.0);
    let used_at = |stretch: f64| calls(stretch) / per_hour / refreshing;
    let longest = seconds(rules.stale_for.max(rules.fresh_for)) / seconds(rules.fresh_for);
    let mut used = used_at(1.0);
    if used > LOW_WATERMARK {
        let (mut low, mut high) = (LOW_WATERMARK, 1.0);
        for _ in 0..16 {
            let middle = f64::midpoint(low, high);
            if used_at(stretch_at(middle)) > middle { low = middle } else { high = middle }
        }
        used = f64::midpoint(low, high);
    }
    let stretch = stretch_at(used).min(longest.max(1.0));
    let most = spendable * per_hour;
    // Clients fall into step with the window, so that calls may jump where it is stretched a little more: between the two, what is
    // spent keeps the window where it is.
    let balanced = used * refreshing * per_hour;
    let wanted = if stretch > 1.0 && stretch < longest { balanced } else { calls(stretch) };
    let made = wanted.min(most);
    // The oldest are as old as the stretched window of a team whose window is a little longer than others'.
    let window = seconds(rules.fresh_for) * stretch;
    let stretched = if stretch > 1.0 { (window * 1.1).min(seconds(rules.stale_for)) } else { window };
    // Events tell of a team as often as it is read, by its poller or for a client's request.
    let poll = accounts.longest_poll(stretch, seconds(rules.window));
    let oldest = match poll {
        Some(poll) if traffic.groups.is_empty() => poll,
        Some(poll) => stretched.max(accounts.longest_gap().map_or(poll, |gap| poll.min(stretched + gap))),
        None => stretched,
    };
    let eager = accounts.eager(rules) + direct;
    let worst = (eager * (1.0 + rules.retry_ratio)).max(made).min(most);
    Prediction {
        calls: made * services,
        worst_calls: worst * services,
        oldest: Duration::from_secs_f64(oldest),
        poll_interval: poll.map(Duration::from_secs_f64),
        answered: (most / wanted).min(1.0),
        stretch,
        overruns: worst * services > most * (1.0 + 1e-9),
    }
}

/// The accounts of one service, and who reads them.
struct Accounts {
    /// How many clients of each group read an account, for a sample of accounts.
    sample: Vec<Vec<u32>>,
    /// In seconds, of each group.
    intervals: Vec<f64>,
    /// Those that a subscriber of this service listens to.
    polled: Vec<Polled>,
    /// The same where subscribers share as few as they can.
    most_polled: Vec<Polled>,
    accounts: f64,
    calls_per_team: f64,
}

impl Accounts {
    /// `live` is how many calls in a window all listened teams together may take.
    fn of(traffic: &Traffic, services: f64, rules: &Rules, live: f64) -> Self {
        let accounts = traffic.accounts.max(1);
        let intervals = traffic.groups.iter().map(|group| seconds(group.interval)).collect();
        // A client whose requests read several accounts is one of each.
        let clients: Vec<u32> = traffic
            .groups
            .iter()
            .map(|group| group.clients.saturating_mul(group.accounts_per_request.clamp(1, accounts)))
            .collect();
        let mean = clients.iter().map(|clients| f64::from(*clients)).sum::<f64>() / f64::from(accounts);
        let size = (CLIENTS / mean.max(1.0)).clamp(SAMPLE.0, SAMPLE.1) as usize;
        let mut random = Rng::with_seed(1);
        let mut readers = || clients.iter().map(|n| binomial(*n, 1.0 / f64::from(accounts), &mut random)).collect();
        let sample = (0..size).map(|_| readers()).collect();
        let (floor, calls_per_team) = (seconds(rules.interval_floor), f64::from(traffic.calls_per_team.max(1)));
        let fairly = |mut polled: Vec<Polled>| {
            polls::share_fairly(&mut polled, calls_per_team, live / seconds(rules.window));
            polled
        };
        let polled = fairly(polls::expected(&traffic.subscribers, accounts, 1.0 / services, floor));
        let most_polled = fairly(polls::most(&traffic.subscribers, accounts, 1.0 / services, floor));
        Self { sample, intervals, polled, most_polled, accounts: f64::from(accounts), calls_per_team }
    }

    /// Calls in an hour of one service, with a window that is stretched so.
    fn calls(&self, stretch: f64, share: f64, rules: &Rules) -> f64 {
        let (fresh, ahead) = (seconds(rules.fresh_for), rules.refresh_ahead.then_some(AHEAD));
        let readings = |poll: Option<f64>| {
            let rule = Rule { fresh, stretch, ahead, share, poll };
            // The same chances each time, so that calls differ by the stretch alone.
            let mut random = Rng::with_seed(2);
            self.mean(|readers| readings_per_hour(readers, &self.intervals, rule, &mut random))
        };
        self.each(&self.polled, |polled| {
            readings(polled.map(|polled| polled.stretched(stretch, seconds(rules.window))))
        })
    }

    /// Calls in an hour where every team with a reader is asked for when it is due, which is when its window is shortest.
    fn eager(&self, rules: &Rules) -> f64 {
        let fresh = seconds(rules.fresh_for) * if rules.refresh_ahead { AHEAD * 0.9 } else { 1.0 };
        let asked = self.mean(|readers| {
            let asked: f64 =
                readers.iter().zip(&self.intervals).map(|(n, interval)| f64::from(*n) * 3600.0 / interval).sum();
            asked.min(3600.0 / fresh)
        });
        // What a request had read puts the next poll off.
        let both = |polled: &Polled| (3600.0 / polled.interval + asked).min(3600.0 / polled.interval.min(fresh));
        self.each(&self.most_polled, |polled| polled.map_or(asked, both))
    }

    /// Calls in an hour for all accounts, of which these are polled: `readings` says how often one is read.
    fn each(&self, polled: &[Polled], readings: impl Fn(Option<&Polled>) -> f64) -> f64 {
        let listened: f64 = polled.iter().map(|polled| polled.accounts).sum();
        let polled: f64 = polled.iter().map(|polled| polled.accounts * readings(Some(polled))).sum();
        ((self.accounts - listened) * readings(None) + polled) * self.calls_per_team
    }

    /// How often the team is read that is polled least.
    fn longest_poll(&self, stretch: f64, window: f64) -> Option<f64> {
        self.polled.iter().map(|polled| polled.stretched(stretch, window)).max_by(f64::total_cmp)
    }

    /// How long no client may ask for a team; `None` where there is one that no client reads.
    fn longest_gap(&self) -> Option<f64> {
        let all_read = self.sample.iter().all(|readers| readers.iter().any(|readers| *readers > 0));
        all_read.then(|| self.intervals.iter().copied().fold(0.0, f64::max))
    }

    fn mean(&self, of: impl FnMut(&Vec<u32>) -> f64) -> f64 {
        self.sample.iter().map(of).sum::<f64>() / self.sample.len() as f64
    }
}

/// How many of `n` choose this one, each with probability `p`.
fn binomial(n: u32, p: f64, random: &mut Rng) -> u32 {
    if p >= 1.0 {
        return n;
    }
    // The gaps between those that do are geometric.
    let (mut found, mut at) = (0, 0.0);
    let log = (1.0 - p).ln();
    loop {
        at += (1.0 - random.f64()).ln() / log;
        if at.floor() >= f64::from(n) {
            return found;
        }
        at = at.floor() + 1.0;
        found += 1;
    }
}
