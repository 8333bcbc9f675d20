//! Callers: which of a caller's requests with long work is the first under way. The others give way to everything else, so that
//! a caller with many of them slows no other down, and one with a single one has its share of the cores.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use parking_lot::Mutex;

use super::lane::Lane;

/// How many requests with long work each caller has under way. It has as many entries as there are such requests at most.
#[derive(Clone, Default)]
pub(super) struct LongRequestCounts(Arc<Mutex<HashMap<Lane, usize, RandomState>>>);

/// A request's entry among those of its caller, until its last work has ended.
pub(super) struct CountedRequest {
    callers: LongRequestCounts,
    lane: Lane,
    pub(super) is_first: bool,
}

impl LongRequestCounts {
    pub(super) fn enter(&self, lane: Lane) -> CountedRequest {
        let mut callers = self.0.lock();
        let count = callers.entry(lane).or_insert(0);
        *count += 1;
        CountedRequest { callers: self.clone(), lane, is_first: *count == 1 }
    }
}

impl Drop for CountedRequest {
    fn drop(&mut self) {
        let mut callers = self.callers.0.lock();
        match callers.get_mut(&self.lane) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(callers.remove(&self.lane)),
        }
    }
}
