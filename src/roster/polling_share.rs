//! The share of a plan that a listened roster may poll with: max-min fair. A roster that needs less than an equal share leaves
//! the rest to the others.

use std::time::Duration;

/// The demand of a roster: so many calls in each interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Demand {
    pub(super) calls: u32,
    pub(super) interval: Duration,
}

impl Demand {
    fn rate(self) -> f64 {
        f64::from(self.calls.max(1)) / self.interval.as_secs_f64().max(1e-3)
    }
}

/// The interval at which `own` may be read where all of `demands`, its own included, share so many calls a second.
pub(super) fn fair_interval(own: Demand, demands: impl Iterator<Item = Demand>, calls_per_second: f64) -> Duration {
    let mut rates: Vec<f64> = demands.map(Demand::rate).collect();
    rates.sort_by(f64::total_cmp);
    let mut left = calls_per_second;
    for (n, rate) in rates.iter().enumerate() {
        let share = left / (rates.len() - n) as f64;
        if *rate > share {
            // From here on all get the same.
            let interval = f64::from(own.calls.max(1)) / share.max(1e-9);
            return own.interval.max(Duration::from_secs_f64(interval.min(LONGEST)));
        }
        left -= rate;
    }
    own.interval
}

/// A week, in seconds: as long as a window can be.
const LONGEST: f64 = 7.0 * 24.0 * 3600.0;
