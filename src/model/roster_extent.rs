//! The extent of a roster: how many rows the lists in it have, which is what a request's cost depends on.

use super::row_facts::RowFacts;

/// How many rows the lists of a roster have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RosterExtent {
    /// Members of the role that has the most.
    pub largest_role: usize,
    /// Unrecognized values of the member that has the most.
    pub unrecognized: usize,
    /// Items that a member has in its lists of texts, on average and rounded up, lest one member's long list make all costly.
    pub list_items: usize,
}

impl RosterExtent {
    /// The extent of a roster with so many members, of whom these are the facts, and with roles whose members end so.
    pub(super) fn of(members: usize, facts: &RowFacts, role_ends: &[u32]) -> Self {
        let (mut start, mut largest_role) = (0, 0);
        for end in role_ends {
            largest_role = largest_role.max(end - start);
            start = *end;
        }
        let list_items = facts.list_items.div_ceil(members.max(1));
        Self { largest_role: largest_role as usize, unrecognized: facts.unrecognized, list_items }
    }
}
