//! How many of something there are, in all and for each key. A key without any takes no memory.

use std::collections::HashMap;
use std::hash::Hash;

use ahash::RandomState;

#[derive(Debug)]
pub(in crate::http) struct KeyCounts<K> {
    all: usize,
    keys: HashMap<K, usize, RandomState>,
}

impl<K> Default for KeyCounts<K> {
    fn default() -> Self {
        Self { all: 0, keys: HashMap::default() }
    }
}

impl<K: Eq + Hash> KeyCounts<K> {
    /// In all.
    pub(in crate::http) fn all(&self) -> usize {
        self.all
    }

    /// Of this key.
    pub(in crate::http) fn of(&self, key: &K) -> usize {
        self.keys.get(key).copied().unwrap_or(0)
    }

    /// Counts one more.
    pub(in crate::http) fn add(&mut self, key: K) {
        self.all += 1;
        *self.keys.entry(key).or_default() += 1;
    }

    /// Counts one less of those that were added.
    pub(in crate::http) fn remove(&mut self, key: &K) {
        self.all -= 1;
        match self.keys.get_mut(key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.keys.remove(key)),
        }
    }
}
