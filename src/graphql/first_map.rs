//! A map whose first entry needs no memory of its own: most answers have one list, and most literals mention one variable.

use std::collections::HashMap;
use std::hash::Hash;

pub(super) struct FirstMap<K, V> {
    first: Option<(K, V)>,
    others: HashMap<K, V>,
}

impl<K, V> Default for FirstMap<K, V> {
    fn default() -> Self {
        Self { first: None, others: HashMap::new() }
    }
}

impl<K: Eq + Hash, V> FirstMap<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        match &self.first {
            Some((first, value)) if first == key => Some(value),
            Some(_) => self.others.get(key),
            None => None,
        }
    }

    /// Adds a value whose key is not there yet.
    pub(super) fn insert(&mut self, key: K, value: V) {
        match self.first {
            None => self.first = Some((key, value)),
            Some(_) => drop(self.others.insert(key, value)),
        }
    }
}
