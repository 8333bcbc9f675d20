//! A budget of bytes: how much may be held at once, in all and by one caller or address. What is reserved is given back when
//! the reservation is dropped.
//!
//! A caller has no more than it leaves free, whatever its limit: a few who keep theirs leave some for every other.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use parking_lot::{Mutex, MutexGuard};

use super::caller_key::CallerKey;

pub(super) struct ByteBudget {
    limit: usize,
    key_limit: usize,
    held: Mutex<ReservedBytes>,
}

#[derive(Default)]
struct ReservedBytes {
    all: usize,
    keys: HashMap<CallerKey, usize, RandomState>,
}

impl ByteBudget {
    /// `limit` bytes in all, `key_limit` of them for one caller.
    pub(super) fn new(limit: usize, key_limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, key_limit, held: Mutex::default() })
    }

    fn held(&self) -> MutexGuard<'_, ReservedBytes> {
        self.held.lock()
    }

    /// An empty reservation.
    pub(super) fn open(self: &Arc<Self>, key: &CallerKey) -> ByteReservation {
        ByteReservation { budget: self.clone(), key: key.clone(), bytes: 0 }
    }

    /// Whether this caller may hold `own` bytes more, and everybody together `all`.
    pub(super) fn has_room(&self, key: &CallerKey, own: usize, all: usize) -> bool {
        let held = self.held();
        let known = held.keys.get(key).copied().unwrap_or(0);
        let free = self.limit.saturating_sub(held.all);
        known + own <= self.key_limit && known.max(all) <= free
    }

    fn take(&self, key: &CallerKey, bytes: usize, spare: usize) -> bool {
        if bytes == 0 {
            return true;
        }
        let mut held = self.held();
        let own = held.keys.get(key).copied().unwrap_or(0);
        let free = self.limit.saturating_sub(held.all);
        let is_own = own.checked_add(bytes).is_some_and(|own| own <= self.key_limit.min(free));
        if !is_own || bytes > free.saturating_sub(spare) {
            return false;
        }
        held.all += bytes;
        held.keys.insert(key.clone(), own + bytes);
        true
    }

    fn give_back(&self, key: &CallerKey, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let mut held = self.held();
        held.all -= bytes;
        match held.keys.get_mut(key) {
            Some(own) if *own > bytes => *own -= bytes,
            _ => drop(held.keys.remove(key)),
        }
    }
}

/// Bytes of a budget that are held.
pub(super) struct ByteReservation {
    budget: Arc<ByteBudget>,
    key: CallerKey,
    bytes: usize,
}

impl ByteReservation {
    /// Holds so many bytes more, unless there are not so many left beside `spare`.
    #[must_use]
    pub(super) fn grow(&mut self, bytes: usize, spare: usize) -> bool {
        let taken = self.budget.take(&self.key, bytes, spare);
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for ByteReservation {
    fn drop(&mut self) {
        self.budget.give_back(&self.key, self.bytes);
    }
}
