//! Ranks: what a roster's members sort by, as small integers, worked out once per snapshot when an order first needs them.
//!
//! Names follow the collation that Unicode defines for all languages together (the root collation of CLDR); equal names share a
//! rank, and so do equal numbers. With ranks, sorting compares integers only.

use std::ops::Range;

use icu_collator::CollatorBorrowed;
use icu_collator::options::CollatorOptions;

/// The root collator: its data alone is linked, not that of every language.
const COLLATOR: CollatorBorrowed<'static> = CollatorBorrowed::new_root(CollatorOptions::default());

/// The first bytes of a name's sort key: enough to say whereabouts in the order it stands, too few to say which name it is.
pub(super) type Whereabouts = [u8; 3];

/// For each member the rank of its value among the values that there are.
pub(super) struct Ranks {
    /// `distinct` where the value is missing.
    ranks: Box<[u32]>,
    distinct: u32,
}

impl Ranks {
    /// Indexes in a short list, which are ranks already.
    pub(super) fn of_indexes(indexes: impl Iterator<Item = Option<u32>>) -> Self {
        const MISSING: u32 = u32::MAX;
        let mut ranks: Box<[u32]> = indexes.map(|index| index.unwrap_or(MISSING)).collect();
        let distinct = ranks.iter().filter(|index| **index != MISSING).max().map_or(0, |last| last + 1);
        ranks.iter_mut().filter(|index| **index == MISSING).for_each(|index| *index = distinct);
        Self { ranks, distinct }
    }

    /// Ranks from the indexes of the members that have a value, sorted by it; `same` says whether two neighbours in that order
    /// have the same value.
    fn of_sorted(length: u32, sorted: impl Iterator<Item = u32>, same: impl Fn(usize, usize) -> bool) -> Self {
        const MISSING: u32 = u32::MAX;
        let mut ranks = vec![MISSING; length as usize].into_boxed_slice();
        let mut distinct = 0;
        for (n, index) in sorted.enumerate() {
            distinct += u32::from(n == 0 || !same(n - 1, n));
            ranks[index as usize] = distinct - 1;
        }
        ranks.iter_mut().filter(|rank| **rank == MISSING).for_each(|rank| *rank = distinct);
        Self { ranks, distinct }
    }

    /// The ranks of the members from one index up to another.
    pub(super) fn slice(&self, first: usize, end: usize) -> &[u32] {
        &self.ranks[first..end]
    }

    /// The member's rank; `distinct` where its value is missing.
    pub(super) fn get(&self, index: u32) -> u32 {
        self.ranks[index as usize]
    }

    /// How many different values there are.
    pub(super) fn distinct(&self) -> u32 {
        self.distinct
    }
}

/// Ranks of numbers, and the number of each rank.
pub(super) struct NumberRanks {
    pub(super) ranks: Ranks,
    values: Box<[i64]>,
}

impl NumberRanks {
    pub(super) fn of(values: impl Iterator<Item = Option<i64>>) -> Self {
        let mut sorted: Vec<(i64, u32)> = Vec::new();
        let mut length = 0;
        for (index, value) in (0..).zip(values) {
            length = index + 1;
            sorted.extend(value.map(|value| (value, index)));
        }
        sorted.sort_unstable();
        let indexes = sorted.iter().map(|(_, index)| *index);
        let ranks = Ranks::of_sorted(length, indexes, |a, b| sorted[a].0 == sorted[b].0);
        sorted.dedup_by_key(|(value, _)| *value);
        Self { ranks, values: sorted.into_iter().map(|(value, _)| value).collect() }
    }

    /// The ranks of the numbers from `lowest` to `highest`, both included.
    pub(super) fn between(&self, lowest: i64, highest: i64) -> Range<u32> {
        let below = |bound: &dyn Fn(i64) -> bool| {
            u32::try_from(self.values.partition_point(|value| bound(*value))).unwrap_or(u32::MAX)
        };
        below(&|value| value < lowest)..below(&|value| value <= highest)
    }
}

/// Ranks of names, and where about in the collation each stands.
pub(super) struct NameRanks {
    pub(super) ranks: Ranks,
    whereabouts: Box<[Whereabouts]>,
}

impl NameRanks {
    pub(super) fn of<T: AsRef<str>>(names: impl Iterator<Item = Option<T>>) -> Self {
        // Keys lie in one buffer, the name itself behind each, so that names with the same key compare by code point.
        let (mut keys, mut sorted, mut whereabouts) = (Vec::new(), Vec::new(), Vec::new());
        for (index, name) in (0_u32..).zip(names) {
            let start = keys.len();
            if let Some(name) = &name {
                let Ok(()) = COLLATOR.write_sort_key_to(name.as_ref(), &mut keys);
            }
            let mut front = Whereabouts::default();
            for (to, from) in front.iter_mut().zip(&keys[start..]) {
                *to = *from;
            }
            whereabouts.push(front);
            if let Some(name) = name {
                // A sort key holds no zero.
                keys.push(0);
                keys.extend_from_slice(name.as_ref().as_bytes());
                sorted.push((start..keys.len(), index));
            }
        }
        sorted.sort_unstable_by(|(a, _), (b, _)| keys[a.clone()].cmp(&keys[b.clone()]));
        let length = u32::try_from(whereabouts.len()).unwrap_or(u32::MAX);
        let same = |a: usize, b: usize| keys[sorted[a].0.clone()] == keys[sorted[b].0.clone()];
        let ranks = Ranks::of_sorted(length, sorted.iter().map(|(_, index)| *index), same);
        Self { ranks, whereabouts: whereabouts.into() }
    }

    /// Where about in the collation the member's name stands; zeros where it has none.
    pub(super) fn whereabouts(&self, index: u32) -> Whereabouts {
        self.whereabouts[index as usize]
    }
}
