//! The look-ups of one request, each account's once. The first is kept in place: most requests have no other.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use ahash::RandomState;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::model::{CachedRoster, RosterKey};
use crate::roster::LookupError;

/// The result of an account's look-up, once it has finished.
type LookupCell = OnceCell<Result<CachedRoster, LookupError>>;

#[derive(Default)]
pub(super) struct Lookups {
    first: OnceLock<(RosterKey, LookupCell)>,
    others: Mutex<HashMap<RosterKey, Arc<LookupCell>, RandomState>>,
}

/// An account's look-up.
pub(super) enum KnownLookup<'l> {
    First(&'l LookupCell),
    Other(Arc<LookupCell>),
}

impl Deref for KnownLookup<'_> {
    type Target = LookupCell;

    fn deref(&self) -> &LookupCell {
        match self {
            Self::First(cell) => cell,
            Self::Other(cell) => cell,
        }
    }
}

impl Lookups {
    /// The look-up of this roster.
    pub(super) fn of(&self, key: &RosterKey) -> KnownLookup<'_> {
        let (first, cell) = self.first.get_or_init(|| (key.clone(), LookupCell::default()));
        if first == key {
            return KnownLookup::First(cell);
        }
        let mut others = self.others.lock();
        if let Some(known) = others.get(key) {
            return KnownLookup::Other(known.clone());
        }
        KnownLookup::Other(others.entry(key.clone()).or_default().clone())
    }

    /// Calls `each` with the results so far.
    pub(super) fn each(&self, mut each: impl FnMut(&Result<CachedRoster, LookupError>)) {
        self.first.get().and_then(|(_, cell)| cell.get()).into_iter().for_each(&mut each);
        self.others.lock().values().filter_map(|cell| cell.get()).for_each(each);
    }
}
