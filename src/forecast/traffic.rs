//! Traffic: groups of clients and subscribers, the teams that they read, and how often.

use std::time::Duration;

/// Clients that ask alike: each reads the team of one account again and again, at a phase of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClientGroup {
    /// How many.
    pub clients: u32,
    /// How often each asks.
    pub interval: Duration,
    /// How many accounts one request reads.
    pub accounts_per_request: u32,
}

/// Subscribers that ask alike: each listens to the team of one account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubscriberGroup {
    /// How many.
    pub subscribers: u32,
    /// How often each wants its team to be read.
    pub interval: Duration,
}

/// All traffic of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// The clients. Which account each of them reads is decided by chance.
    pub groups: Vec<ClientGroup>,
    /// How many accounts there are.
    pub accounts: u32,
    /// The subscribers. Which account each of them listens to is decided by chance.
    pub subscribers: Vec<SubscriberGroup>,
    /// How many replicas serve it, each request on one that is chosen by chance.
    pub replicas: u32,
    /// Whether the replicas share rosters and a plan.
    pub shared: bool,
    /// How many calls reading one team takes.
    pub calls_per_team: u32,
    /// Upstream calls in an hour beside reading teams.
    pub direct_calls: f64,
}

impl Traffic {
    /// Requests in an hour, subscriptions aside.
    #[must_use]
    pub fn requests_per_hour(&self) -> f64 {
        self.groups.iter().map(|group| f64::from(group.clients) * 3600.0 / seconds(group.interval)).sum()
    }
}

/// An interval in seconds, a millisecond at least.
pub(super) fn seconds(interval: Duration) -> f64 {
    interval.as_secs_f64().max(1e-3)
}
