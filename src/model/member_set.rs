//! Members of a roster as a set of bits, so that what several lists share is worked out once and intersected in words.

/// Members of a roster, by their indexes.
pub(super) struct MemberSet(Box<[u64]>);

impl MemberSet {
    /// None of so many.
    pub(super) fn none(members: usize) -> Self {
        Self(vec![0; members.div_ceil(64)].into())
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
