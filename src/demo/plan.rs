//! The hourly plan: how many calls a token has made in the last hour.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::model::Clock;

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Default)]
pub(super) struct DemoPlan(Mutex<HashMap<String, VecDeque<Instant>>>);

/// The rest of a plan.
pub(super) struct PlanLeft {
    pub(super) calls: u32,
    /// The time until the oldest call leaves the window.
    pub(super) reset: Duration,
    /// Whether this call was within the plan.
    pub(super) within: bool,
}

impl DemoPlan {
    pub(super) fn spend(&self, token: &str, limit: u32) -> PlanLeft {
        let now = Clock::instant();
        let mut tokens = self.0.lock();
        let calls = tokens.entry(token.to_owned()).or_default();
        while calls.front().is_some_and(|at| now.duration_since(*at) >= HOUR) {
            calls.pop_front();
        }
        let within = calls.len() < limit as usize;
        if within {
            calls.push_back(now);
        }
        let reset = calls.front().map_or(HOUR, |at| HOUR.saturating_sub(now.duration_since(*at)));
        let used = u32::try_from(calls.len()).unwrap_or(u32::MAX);
        PlanLeft { calls: limit.saturating_sub(used), reset, within }
    }
}
