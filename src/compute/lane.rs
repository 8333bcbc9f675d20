//! Lanes: the queues of the fair queue, one for each caller. A lane is a keyed hash of the caller.

use std::hash::Hash;
use std::sync::LazyLock;

use ahash::RandomState;

/// Whose turn it is: equal for equal callers. (Two callers with the same hash share their turns, which is harmless.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lane(u64);

/// Keyed per process, so that no client can choose to share another's lane.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Lane {
    /// The lane of this caller.
    pub fn of(caller: &impl Hash) -> Self {
        Self(HASHER.hash_one(caller))
    }
}
