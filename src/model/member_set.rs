//! Members of a roster as a set of bits, so that what several lists share is worked out once and intersected in words.

use super::Roster;
use super::filter::IdSet;

/// Members of a roster, by their indexes.
pub(super) struct MemberSet(Box<[u64]>);

impl MemberSet {
    pub(super) fn of_ids(ids: &IdSet, roster: &Roster) -> Self {
        let mut set = Self::none(roster);
        ids.iter().filter_map(|id| roster.find(id)).for_each(|index| set.insert(index));
        set
    }

    pub(super) fn of_roles(ids: &IdSet, roster: &Roster) -> Self {
        let mut set = Self::none(roster);
        for role in ids.iter().filter_map(|id| roster.find_role(id)) {
            roster.role(role).members.iter().for_each(|index| set.insert(*index));
        }
        set
    }

    pub(super) fn none(roster: &Roster) -> Self {
        Self(vec![0; roster.len().div_ceil(64)].into())
    }

    pub(super) fn insert(&mut self, index: u32) {
        self.0[index as usize / 64] |= 1 << (index % 64);
    }

    pub(super) fn contains(&self, index: u32) -> bool {
        self.0[index as usize / 64] & 1 << (index % 64) != 0
    }

    /// The members from `first` on, which is a multiple of 64, as bits.
    pub(super) fn from(&self, first: usize) -> &[u64] {
        &self.0[first / 64..]
    }
}
