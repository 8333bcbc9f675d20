//! The traffic file: who will send the operations, how often, for how many accounts, and how large their teams are.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Deserializer};

use crate::graphql::TeamShape;

/// The contents of `traffic.toml`. Everything has a default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TrafficFile {
    /// How many clients send the operations. 0 leaves calls and ages out.
    pub(super) clients: u32,
    /// How often each of them sends each operation.
    #[serde(deserialize_with = "duration")]
    pub(super) interval: Duration,
    /// How many accounts they read between them.
    pub(super) accounts: u32,
    /// How many subscribers listen with each subscription, each to one account.
    pub(super) subscriptions: u32,
    /// How often they ask for their team to be read; `None` for `live.interval`.
    #[serde(deserialize_with = "optional_duration")]
    pub(super) live_interval: Option<Duration>,
    /// How many replicas serve them.
    pub(super) replicas: u32,
    pub(super) team: TeamFigures,
    /// By name, where an operation is sent by others or with these variables. A subscription's clients are its subscribers, and
    /// its interval is the one that they ask for.
    pub(super) operations: BTreeMap<String, OperationTraffic>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TeamFigures {
    /// Members of a usual team, and of the largest.
    pub(super) members: usize,
    pub(super) largest: usize,
    /// How many upstream calls reading a team takes: the pages of its list.
    pub(super) pages: u32,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OperationTraffic {
    pub(super) clients: Option<u32>,
    #[serde(deserialize_with = "optional_duration")]
    pub(super) interval: Option<Duration>,
    pub(super) variables: Option<toml::Table>,
}

impl Default for TrafficFile {
    fn default() -> Self {
        Self {
            clients: 0,
            interval: Duration::from_secs(60),
            accounts: 1,
            subscriptions: 0,
            live_interval: None,
            replicas: 1,
            team: TeamFigures::default(),
            operations: BTreeMap::new(),
        }
    }
}

impl Default for TeamFigures {
    fn default() -> Self {
        Self { members: 100, largest: 10_000, pages: 1 }
    }
}

impl TeamFigures {
    /// A usual team: a role for ten members, the largest of them with a third of the team; everything can be read.
    pub(super) fn usual(self) -> TeamShape {
        let roles = (self.members / 10).clamp(1, 20);
        TeamShape {
            members: self.members,
            roles,
            largest_role: self.members.div_ceil(3),
            skipped_rows: 0,
            unrecognized: 0,
            list_items: 3,
        }
    }

    /// The largest team: all members may have one role or one each, and values that cannot be read.
    pub(super) fn largest(self) -> TeamShape {
        let members = self.largest.max(self.members);
        TeamShape {
            members,
            roles: members,
            largest_role: members,
            skipped_rows: members.div_ceil(100),
            unrecognized: 20,
            list_items: 50,
        }
    }
}

impl TrafficFile {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        toml::from_str(&text).with_context(|| name.to_string())
    }

    /// Refuses numbers that make no sense.
    pub(super) fn check(&self) -> Result<()> {
        if self.accounts == 0 || self.replicas == 0 || self.team.pages == 0 || self.team.members == 0 {
            bail!("accounts, replicas, team.members and team.pages: expected at least 1");
        }
        let own = self.operations.values().filter_map(|operation| operation.interval);
        if own
            .chain([self.interval])
            .chain(self.live_interval)
            .any(|interval| interval < Duration::from_millis(100) || interval > Duration::from_secs(7 * 24 * 3600))
        {
            bail!("interval: expected 100ms to 7days");
        }
        if self.accounts > 1_000_000 || self.replicas > 1_000 {
            bail!("accounts: expected at most 1000000; replicas: at most 1000");
        }
        Ok(())
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|_| serde::de::Error::custom("expected a duration such as \"30s\""))
}

fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}
