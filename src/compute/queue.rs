//! The queue of work: one line for each caller, served in turn, so that a caller with many long jobs delays the others by one
//! job each time and not by all of them. Bounded in all and for each caller.

use std::collections::{HashMap, VecDeque};

use super::lane::Lane;

pub(super) struct FairQueue<J> {
    lanes: HashMap<Lane, VecDeque<J>>,
    /// Lanes with jobs, in the order of their turns.
    turns: VecDeque<Lane>,
    len: usize,
    limit: usize,
}

/// There is no room for another job; it is handed back.
pub(super) struct Full<J>(pub(super) J);

impl<J> FairQueue<J> {
    /// At most `limit` jobs; a lane may have as many as there is room for more: half of them where it is alone.
    pub(super) fn new(limit: usize) -> Self {
        Self { lanes: HashMap::new(), turns: VecDeque::new(), len: 0, limit }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts a job at the end of its lane, if there is room.
    pub(super) fn push(&mut self, lane: Lane, job: J) -> Result<(), Full<J>> {
        let taken = self.lanes.get(&lane).map_or(0, VecDeque::len);
        let free = self.limit.saturating_sub(self.len);
        if taken >= free {
            return Err(Full(job));
        }
        self.push_again(lane, job);
        Ok(())
    }

    /// Puts in a job that is never refused, such as one that was let in before and has more to do.
    pub(super) fn push_again(&mut self, lane: Lane, job: J) {
        let jobs = self.lanes.entry(lane).or_default();
        if jobs.is_empty() {
            self.turns.push_back(lane);
        }
        jobs.push_back(job);
        self.len += 1;
    }

    /// The oldest job of the lane whose turn it is; that lane's next turn comes after all others'.
    pub(super) fn pop(&mut self) -> Option<J> {
        let lane = self.turns.pop_front()?;
        let jobs = self.lanes.get_mut(&lane)?;
        let job = jobs.pop_front()?;
        if jobs.is_empty() {
            self.lanes.remove(&lane);
        } else {
            self.turns.push_back(lane);
        }
        self.len -= 1;
        Some(job)
    }
}
