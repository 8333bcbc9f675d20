//! Generations: the number of each new snapshot of an account, greater than that of any earlier one.
//!
//! It begins with the time at which the snapshot was read, so that it also grows over a restart and from one replica to the
//! next. What was given out last is kept by a hash of the key: accounts that share a slot only see it grow faster.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::model::{RosterKey, Timestamp};

/// How many accounts have a number of their own, about.
const SLOTS: usize = 4096;
/// 2025-01-01T00:00:00Z. Seconds from here on fit into GraphQL's `Int` until 2093.
const EPOCH_SECONDS: i64 = 1_735_689_600;
/// The greatest `Int`.
const LARGEST: u32 = i32::MAX as u32;

pub(super) struct Generations {
    last: Box<[AtomicU32]>,
    hasher: RandomState,
}

impl Default for Generations {
    fn default() -> Self {
        Self { last: (0..SLOTS).map(|_| AtomicU32::new(0)).collect(), hasher: RandomState::new() }
    }
}

impl Generations {
    /// The number of a snapshot that was read at this time.
    pub(super) fn next(&self, key: &RosterKey, fetched_at: Timestamp) -> u32 {
        let seconds = (fetched_at.millis() / 1000 - EPOCH_SECONDS).clamp(1, LARGEST.into());
        let by_time = u32::try_from(seconds).unwrap_or(LARGEST);
        let next = |last: u32| by_time.max(last.saturating_add(1)).min(LARGEST);
        let slot = self.slot(key);
        slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last))).map_or(by_time, next)
    }

    /// Another replica has given out this number.
    pub(super) fn observe(&self, key: &RosterKey, generation: u32) {
        self.slot(key).fetch_max(generation, Ordering::Relaxed);
    }

    fn slot(&self, key: &RosterKey) -> &AtomicU32 {
        &self.last[self.hasher.hash_one(key) as usize % SLOTS]
    }
}
