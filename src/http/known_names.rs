//! Names that were made before, by what they name: a map that is bounded in bytes, and begins anew when it is full.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use ahash::RandomState;
use parking_lot::Mutex;

/// The most bytes of a map.
const LIMIT: usize = 1 << 20;
/// The most bytes of what a name is kept for: to hash a longer one is little beside the rest of its request.
const KEY_LIMIT: usize = LIMIT / 16;
/// The size of an entry besides its counted part, in bytes, approximately.
const OVERHEAD: usize = 128;

/// Names by what they name.
pub(super) struct KnownNames<K>(Mutex<NameMap<K>>);

struct NameMap<K> {
    names: HashMap<K, String, RandomState>,
    /// Memory held, in bytes.
    size: usize,
}

impl<K> Default for NameMap<K> {
    fn default() -> Self {
        Self { names: HashMap::default(), size: 0 }
    }
}

impl<K> Default for KnownNames<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> KnownNames<K> {
    /// The name of `named`, which takes so many bytes. Made where it is not known.
    pub(super) fn get<Q>(&self, named: &Q, size: usize, make: impl FnOnce() -> String) -> String
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned + ?Sized,
        Q::Owned: Into<K>,
    {
        if let Some(name) = self.0.lock().names.get(named) {
            return name.clone();
        }
        let name = make();
        if size <= KEY_LIMIT {
            let (key, name) = (named.to_owned().into(), name.clone());
            let mut map = self.0.lock();
            // The former ones are given up when the lock is free again.
            let _former = (map.size >= LIMIT).then(|| std::mem::take(&mut *map));
            map.size += size + OVERHEAD;
            map.names.insert(key, name);
            drop(map);
        }
        name
    }
}
