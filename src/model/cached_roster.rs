//! The result of a look-up: a roster, and where it came from.

use std::sync::Arc;
use std::time::Duration;

use super::Roster;

/// A roster, and where it came from.
#[derive(Clone, Debug)]
pub struct CachedRoster {
    /// The snapshot.
    pub roster: Arc<Roster>,
    /// Where it came from.
    pub cache: CacheResult,
    /// How many upstream calls were made for this look-up.
    pub calls: u32,
    /// How old the snapshot was, from the start of its first call.
    pub age: Duration,
    /// Whether it was past its fresh window.
    pub stale: bool,
    /// How much longer it counts as fresh; zero when it is stale.
    pub fresh_for: Duration,
    /// Why it is older than the caller asked for.
    pub notice: Option<&'static str>,
}

/// Where a roster came from, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheResult {
    /// It was there, fresh.
    Hit,
    /// Another request's load brought it.
    Coalesced,
    /// It was loaded for this look-up.
    Miss,
    /// It was there, past its fresh window, and no newer one was to be had.
    Stale,
}

impl CacheResult {
    /// Its name in answers, metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Coalesced => "coalesced",
            Self::Miss => "miss",
            Self::Stale => "stale",
        }
    }
}
