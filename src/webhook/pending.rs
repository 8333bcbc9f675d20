//! The changes that wait to be posted: each name once, in the order in which it came, bounded in number and in time.
//!
//! A name is of use for as long as an answer that has it may be kept. One that comes again while it waits is posted once, and is
//! as young as the last change.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::CacheTag;

/// A change whose cached answers are to be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Change {
    /// Answers of this name.
    Tag(CacheTag),
    /// Every answer of this service.
    All,
}

/// The changes of one post, each with its time.
pub(super) type ChangeBatch = Vec<(Change, Instant)>;

pub(super) struct Pending {
    order: VecDeque<Change>,
    changed: HashMap<Change, Instant>,
    limit: usize,
    useful_for: Duration,
}

impl Pending {
    pub(super) fn new(limit: usize, useful_for: Duration) -> Self {
        Self { order: VecDeque::new(), changed: HashMap::new(), limit, useful_for }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether so many more have room.
    pub(super) fn has_room(&self, count: usize) -> bool {
        self.len() + count <= self.limit
    }

    /// Adds what has changed then; false where there is no room for it.
    pub(super) fn insert(&mut self, change: Change, at: Instant) -> bool {
        if let Some(known) = self.changed.get_mut(&change) {
            *known = at.max(*known);
            return true;
        }
        // What drops everything says it all, and always has room.
        if change == Change::All {
            self.order.clear();
            self.changed.clear();
        } else if !self.has_room(1) {
            return false;
        }
        self.order.push_back(change);
        self.changed.insert(change, at);
        true
    }

    /// The next ones to post, and how many were dropped because they came too late.
    pub(super) fn take(&mut self, most: usize, now: Instant) -> (ChangeBatch, usize) {
        let (mut batch, mut late) = (Vec::new(), 0);
        while batch.len() < most
            && let Some(change) = self.order.pop_front()
        {
            match self.changed.remove(&change) {
                Some(at) if now.saturating_duration_since(at) < self.useful_for => batch.push((change, at)),
                _ => late += 1,
            }
        }
        (batch, late)
    }

    /// Takes back what could not be posted, to be the next; says for how many there was no room.
    pub(super) fn put_back(&mut self, batch: ChangeBatch) -> usize {
        let mut dropped = 0;
        for (change, at) in batch.into_iter().rev() {
            if self.changed.contains_key(&change) {
                // It has changed again.
            } else if self.has_room(1) {
                self.order.push_front(change);
                self.changed.insert(change, at);
            } else {
                dropped += 1;
            }
        }
        dropped
    }
}
