//! Facts of rows: what a roster knows of its members by one look at each. A row is looked at once the next is there, while its
//! texts are still near the processor: in the end, those of a large team are not.

use super::TeamMember;
use super::id_index;
use super::indexes::room;
use super::member_record::{MemberRecord, Strings};

#[derive(Default)]
pub(super) struct RowFacts {
    /// The hash of each id, in the order of the rows that were looked at.
    pub(super) id_hashes: Vec<u64>,
    /// Whether an id comes again, or before a lesser one.
    pub(super) are_unsorted: bool,
    /// Unrecognized values of the row that has the most.
    pub(super) unrecognized: usize,
    /// Items of each row's longest list, together.
    pub(super) list_items: usize,
    /// Memory besides the records and their texts, in bytes, with room for the indexes.
    pub(super) size: usize,
}

impl RowFacts {
    /// Looks at those of all rows that it has not seen.
    pub(super) fn look(&mut self, strings: &Strings, rows: &[MemberRecord]) {
        let seen = self.id_hashes.len();
        for (index, row) in (seen..).zip(&rows[seen..]) {
            self.compare_ids(strings, rows, index);
            let member = TeamMember::new(strings, row);
            self.id_hashes.push(id_index::hash(&member.id().plain()));
            self.unrecognized = self.unrecognized.max(row.unrecognized().len());
            self.list_items += member.longest_list();
            self.size += row.heap_size() + room(member);
        }
    }

    /// Takes the facts of the rows that are now last.
    pub(super) fn append(&mut self, next: Self, strings: &Strings, rows: &[MemberRecord]) {
        self.compare_ids(strings, rows, self.id_hashes.len());
        self.id_hashes.extend(next.id_hashes);
        self.are_unsorted |= next.are_unsorted;
        self.unrecognized = self.unrecognized.max(next.unrecognized);
        self.list_items += next.list_items;
        self.size += next.size;
    }

    /// Forgets what it knows of rows from this one on.
    pub(super) fn truncate(&mut self, length: usize) {
        if self.id_hashes.len() > length {
            // The sums do not say what a row had in them.
            *self = Self::default();
        }
    }

    fn compare_ids(&mut self, strings: &Strings, rows: &[MemberRecord], index: usize) {
        let id = |index: usize| rows.get(index).map(|row| TeamMember::new(strings, row).id());
        let before = index.checked_sub(1).and_then(id);
        self.are_unsorted |= before.zip(id(index)).is_some_and(|(before, id)| before >= id);
    }
}
