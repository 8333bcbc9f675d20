//! The index of a roster's ids: which member has an id, in one step however many members there are.
//!
//! It is a hash table of open addressing, whose slots hold no ids but the members' indexes. What an index leaves of a slot's bits
//! is filled with bits of the id's hash, so that the id of another member is hardly ever looked at.

use std::sync::LazyLock;

use ahash::RandomState;

use super::JsonStr;

/// No index is as high (see `IdIndex::build`).
const EMPTY: u32 = u32::MAX;

/// So many slots for two members: few enough are taken that a free one is near.
const SLOTS_FOR_TWO: usize = 3;

/// Ids come from outside, so where they fall must not be known there.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The hash of an id.
pub(super) fn hash(id: &str) -> u64 {
    HASHER.hash_one(id)
}

pub(super) struct IdIndex {
    slots: Box<[u32]>,
    /// How many bits of a slot are the index; the others are the hash's.
    bits: u32,
}

impl IdIndex {
    /// Of members whose ids have these hashes.
    pub(super) fn build(hashes: &[u64]) -> Self {
        // One bit more than the highest index may need, so that not all of them are set in any.
        let bits = usize::BITS - hashes.len().leading_zeros();
        let mut index = Self { slots: vec![EMPTY; hashes.len() * SLOTS_FOR_TWO / 2 + 1].into(), bits };
        for (n, hash) in (0..).zip(hashes) {
            let (slot, tag) = index.place(*hash);
            let free = index.probe(slot).find(|slot| index.slots[*slot] == EMPTY);
            if let Some(free) = free {
                index.slots[free] = tag | n;
            }
        }
        index
    }

    /// Which member has an id, where `id_of` gives that of each.
    pub(super) fn find<'r>(&self, id: &str, id_of: impl Fn(u32) -> JsonStr<'r>) -> Option<u32> {
        let (slot, tag) = self.place(hash(id));
        let mask = self.index_mask();
        self.probe(slot)
            .map(|slot| self.slots[slot])
            .take_while(|slot| *slot != EMPTY)
            .filter(|slot| slot & !mask == tag)
            .map(|slot| slot & mask)
            .find(|index| id_of(*index) == *id)
    }

    /// Bytes on the heap.
    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.slots)
    }

    /// Where an id with this hash is looked for first, and the hash as it is in a slot.
    fn place(&self, hash: u64) -> (usize, u32) {
        // The upper half, as a part of all slots; the lower half has no say in it.
        let slot = ((hash >> 32) * self.slots.len() as u64) >> 32;
        (slot as usize, hash as u32 & !self.index_mask())
    }

    /// The slots from one on, each once.
    fn probe(&self, slot: usize) -> impl Iterator<Item = usize> + use<> {
        (slot..self.slots.len()).chain(0..slot)
    }

    fn index_mask(&self) -> u32 {
        // All bits where there are as many members as numbers.
        1_u32.checked_shl(self.bits).map_or(u32::MAX, |bit| bit - 1)
    }
}
