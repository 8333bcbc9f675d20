//! Polls: how often teams with subscribers are read. One poller reads a team for all who listen to it, at the shortest of
//! the intervals that they ask for, and no oftener than its fair share of a part of the plan allows.

use super::traffic::{SubscriberGroup, seconds};

/// Accounts that are polled alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Polled {
    /// How many, on average.
    pub(super) accounts: f64,
    /// How often each is read, in seconds.
    pub(super) interval: f64,
}

impl Polled {
    /// Whether there are any: all accounts may be read at a shorter interval already.
    fn is_some(&self) -> bool {
        self.accounts > 1e-6
    }

    /// How often each is read while the plan is short.
    pub(super) fn stretched(self, stretch: f64, window: f64) -> f64 {
        (self.interval * stretch).min(window.max(self.interval))
    }
}

/// The accounts that subscribers listen to who choose them by chance; a service has this part of the subscribers.
pub(super) fn expected(groups: &[SubscriberGroup], accounts: u32, part: f64, floor: f64) -> Vec<Polled> {
    let accounts = f64::from(accounts);
    // The accounts that none of those listens to who ask for a shorter interval.
    let mut left = accounts;
    let polled = by_interval(groups, floor).into_iter().map(|(interval, subscribers)| {
        let unheard = (1.0 - 1.0 / accounts).powf(subscribers * part);
        let heard = left * (1.0 - unheard);
        left -= heard;
        Polled { accounts: heard, interval }
    });
    polled.filter(Polled::is_some).collect()
}

/// The most accounts that they can listen to: each to another one, those with the shortest intervals first.
pub(super) fn most(groups: &[SubscriberGroup], accounts: u32, part: f64, floor: f64) -> Vec<Polled> {
    let mut left = f64::from(accounts);
    let polled = by_interval(groups, floor).into_iter().map(|(interval, subscribers)| {
        let heard = (subscribers * part).min(left);
        left -= heard;
        Polled { accounts: heard, interval }
    });
    polled.filter(Polled::is_some).collect()
}

/// The intervals asked for, shortest first, and how many subscribers ask for each.
fn by_interval(groups: &[SubscriberGroup], floor: f64) -> Vec<(f64, f64)> {
    let asked = groups.iter().filter(|group| group.subscribers > 0);
    let mut asked: Vec<_> =
        asked.map(|group| (seconds(group.interval).max(floor), f64::from(group.subscribers))).collect();
    asked.sort_by(|a, b| a.0.total_cmp(&b.0));
    asked.dedup_by(|later, kept| {
        let same = later.0 <= kept.0;
        if same {
            kept.1 += later.1;
        }
        same
    });
    asked
}

/// The same accounts, each at the interval that its max-min fair share allows where all of them may take so many calls a second.
pub(super) fn share_fairly(polled: &mut [Polled], calls_per_team: f64, calls_per_second: f64) {
    let mut left = calls_per_second;
    let mut accounts: f64 = polled.iter().map(|polled| polled.accounts).sum();
    // Those who need the least come first, and leave the rest to the others.
    for polled in polled.iter_mut().rev() {
        let rate = calls_per_team / polled.interval;
        let share = (left / accounts.max(1e-9)).max(1e-9);
        if rate > share {
            polled.interval = calls_per_team / share;
        }
        left -= rate.min(share) * polled.accounts;
        accounts -= polled.accounts;
    }
}
