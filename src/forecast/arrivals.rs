//! Arrivals: how often a team is read when clients poll at fixed intervals, each with a phase of its own.
//!
//! Such clients fall into step with the readings that they cause: of two who ask every 100 seconds, the one who had the team read
//! last finds it old again, and the other one never does. So the readings of an account are followed one by one, from a team
//! that becomes due to the first request that has it read again. A team with subscribers is polled besides, as long after
//! the last reading as the poll interval says, whichever request had it read.

use fastrand::Rng;

/// Readings that are followed before and while they are counted.
const SETTLING: u32 = 12;
const COUNTED: u32 = 40;
/// By how much a reading's window is shorter or longer than others'.
const SPREAD: f64 = 0.1;
/// With more clients, the next request is as far away as the mean says.
const FOLLOWED: u32 = 64;

/// When requests have a team read again, in seconds since it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// The fresh window.
    pub(super) fresh: f64,
    /// By how much it is stretched.
    pub(super) stretch: f64,
    /// The part of the window after which a team is read ahead of time, where the plan has plenty.
    pub(super) ahead: Option<f64>,
    /// The part of requests that this replica gets.
    pub(super) share: f64,
    /// How often it is read at least, because it has subscribers.
    pub(super) poll: Option<f64>,
}

impl Rule {
    /// From when a request has the team read again, and between which times it does not. What was read together is not to be read
    /// again together, so every reading has a `spread` around 1 of its own, and a team that is no longer fresh is left as it is
    /// for a little longer.
    fn due(self, spread: f64) -> (f64, (f64, f64)) {
        let old = self.fresh * self.stretch * spread.max(1.0);
        match self.ahead.filter(|_| self.stretch <= 1.0) {
            Some(ahead) => (self.fresh * ahead * spread, (self.fresh, old)),
            None => (old, (old, old)),
        }
    }

    /// The poll interval, where it is so short that no request ever finds a team that is due.
    fn poll_alone(self) -> Option<f64> {
        self.poll.filter(|poll| *poll <= self.due(1.0 - SPREAD).0)
    }
}

/// How often in an hour a team is read that so many clients ask for with these intervals, in seconds.
pub(super) fn readings_per_hour(clients: &[u32], intervals: &[f64], rule: Rule, random: &mut Rng) -> f64 {
    let total: u32 = clients.iter().sum();
    let poll = if total == 0 { rule.poll } else { rule.poll_alone() };
    if total == 0 || poll.is_some() {
        return poll.map_or(0.0, |poll| 3600.0 / poll);
    }
    let crowd = total > FOLLOWED;
    let rate: f64 = clients.iter().zip(intervals).map(|(clients, interval)| f64::from(*clients) / interval).sum();
    // The next request of each client that is followed.
    let mut next: Vec<(f64, f64)> = Vec::new();
    for (clients, interval) in clients.iter().zip(intervals) {
        let followed = if crowd { 0 } else { *clients };
        next.extend((0..followed).map(|_| (random.f64() * interval, *interval)));
    }
    let (mut at, mut since) = (0.0, 0.0);
    for reading in 0..SETTLING + COUNTED {
        if reading == SETTLING {
            since = at;
        }
        let (from, pause) = rule.due(1.0 - SPREAD + 2.0 * SPREAD * random.f64());
        let asked = if crowd {
            at + from + 1.0 / (rate * rule.share)
        } else {
            next.iter_mut()
                .map(|client| first_that_counts(client, at, from, pause, rule.share, random))
                .fold(f64::INFINITY, f64::min)
        };
        at = rule.poll.map_or(asked, |poll| asked.min(at + poll));
    }
    f64::from(COUNTED) * 3600.0 / (at - since).max(1e-6)
}

/// The client's first request that has a team of this time read again.
fn first_that_counts(
    (next, interval): &mut (f64, f64),
    read: f64,
    from: f64,
    pause: (f64, f64),
    share: f64,
    random: &mut Rng,
) -> f64 {
    let skipped = |at: f64, until: f64| ((until - at) / *interval).ceil().max(0.0) * *interval;
    *next += skipped(*next, read + from);
    let mut at = *next;
    loop {
        if at >= read + pause.0 && at < read + pause.1 {
            at += skipped(at, read + pause.1);
        }
        // Another replica may get it.
        if share >= 1.0 || random.f64() < share {
            return at;
        }
        at += *interval;
    }
}
