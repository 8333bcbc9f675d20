//! The processes that subscribers connect to: one, or replicas of the service that share a tier.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::tier::Tier;
use crate::process::Process;

/// Processes that are measured as one.
pub struct Fleet {
    processes: Vec<Process>,
    /// Dropped after them.
    _tier: Option<Tier>,
}

/// How often every team is read, in seconds.
pub const INTERVAL: f64 = 1.0;
/// The service's settings for each case.
const SETTINGS: [(&str, &str); 5] = [
    ("live.interval", "1s"),
    ("live.interval_floor", "1s"),
    ("live.caller_subscriptions_limit", "20000"),
    ("http.connections_limit", "12000"),
    ("roster.fresh_for", "60s"),
];

impl Fleet {
    /// A contestant of one process.
    pub fn of(process: Process) -> Self {
        Self { processes: vec![process], _tier: None }
    }

    /// So many processes of the service; several of them over a Redis.
    pub fn start(service: &Path, count: usize, vendor: &str, more: &[(&'static str, &str)]) -> Result<Self> {
        let tier = (count > 1).then(Tier::start).transpose()?;
        let keys = tier.as_ref().map(|tier| tier.keys(service)).transpose()?;
        let mut settings: Vec<(&str, &str)> = SETTINGS.iter().chain(more).copied().collect();
        if let Some((tier, keys)) = tier.as_ref().zip(keys.as_ref()) {
            // A machine that the clients keep busy, too, is no outage of the tier.
            settings.extend([("cluster.url", &*tier.url), ("cluster.key_file", keys), ("cluster.timeout", "500ms")]);
        }
        let start = |_| Ok(Process::service(service, vendor, &settings)?.0);
        Ok(Self { processes: (0..count).map(start).collect::<Result<_>>()?, _tier: tier })
    }

    pub fn len(&self) -> usize {
        self.processes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.processes.iter().map(|process| process.address).collect()
    }

    /// The processor time that all have used.
    pub fn cpu(&self) -> Result<Duration> {
        self.processes.iter().map(Process::cpu).sum()
    }

    /// The memory of all, as for [`Process::memory`].
    pub fn memory(&self, kind: &str) -> Result<u64> {
        self.processes.iter().map(|process| process.memory(kind)).sum()
    }
}
