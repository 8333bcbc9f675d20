//! The state of a team that is listened to, and what reading it costs.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Roster, UpstreamError};

/// A team as its listeners see it.
#[derive(Clone, Debug)]
pub struct LiveTeam {
    /// Grows with every state of the feed.
    pub generation: u64,
    /// The snapshot, or why there is none.
    pub roster: Result<Arc<Roster>, UpstreamError>,
    /// Whether a newer snapshot was due and did not come.
    pub stale: bool,
    /// The cost of reading it.
    pub price: FeedPrice,
    /// When it became known.
    pub since: Instant,
    /// When the first call of the newest load that said so was started.
    pub began: Option<Instant>,
}

impl LiveTeam {
    /// When it began to be read; of a failure, when it became known.
    #[must_use]
    pub fn read_at(&self) -> Instant {
        self.began.unwrap_or(self.since)
    }
}

/// The cost of a team that is listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FeedPrice {
    /// How often it is read.
    pub interval: Duration,
    /// Upstream calls that each reading takes.
    pub calls: u32,
}

impl FeedPrice {
    /// Upstream calls in an hour.
    #[must_use]
    pub fn calls_per_hour(&self) -> u64 {
        let calls = f64::from(self.calls.max(1)) * 3600.0 / self.interval.as_secs_f64().max(1e-3);
        calls.ceil() as u64
    }
}
