//! The roster: an account's team as one immutable snapshot, and the questions it answers.
//!
//! Members are kept sorted by id, each id once. Nothing in a roster changes, so everything that one response reads from
//! it belongs together.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cancellation::Cancelled;
use super::id_index::IdIndex;
use super::indexes::{Indexes, LazyIndex};
use super::json_str::{JsonStr, WASTE};
use super::member_record::{MemberRecord, StringIndex, Strings};
use super::ranks::NameRanks;
use super::recent_orders::{self, RecentOrders};
use super::row_facts::RowFacts;
use super::searches::Searches;
use super::{RosterExtent, TeamMember, Timestamp};

/// Smaller teams are in a cache next to the processor as a whole.
const FAR: usize = 2000;

/// A number that no other snapshot of this process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotId(u64);

/// A row of the upstream's answer that could not be read at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedRow {
    /// The row's index in the upstream's list, from 0.
    pub index: u32,
    /// Why, in words, without the row's content.
    pub reason: &'static str,
}

/// How far the upstream's answer was from what is known of it, in counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Values that could not be read as what their field is.
    pub unrecognized_values: usize,
    /// Fields that are not known.
    pub unknown_fields: usize,
    /// Rows left out because another of the same id was newer.
    pub duplicate_rows: usize,
}

/// A role of a roster, as a view: its id and who has it.
#[derive(Clone, Copy)]
pub struct Role<'r> {
    /// The members' `_role`.
    pub id: JsonStr<'r>,
    /// Indexes of its members in the roster, ascending; never empty.
    pub members: &'r [u32],
}

/// One account's team, as one upstream answer had it.
pub struct Roster {
    id: SnapshotId,
    generation: u32,
    fetched_at: Timestamp,
    strings: Strings,
    rows: Box<[MemberRecord]>,
    ids: IdIndex,
    /// For each role, in the order of `strings.roles`, where its members end in `role_members`.
    role_ends: Box<[u32]>,
    role_members: Box<[u32]>,
    skipped_rows: Box<[SkippedRow]>,
    drift: Drift,
    /// Most teams are small, or asked for as they lie.
    indexes: LazyLock<Box<Indexes>>,
    extent: RosterExtent,
    size: usize,
}

impl std::fmt::Debug for Roster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Roster").field("id", &self.id).field("members", &self.rows.len()).finish_non_exhaustive()
    }
}

impl Roster {
    pub(super) fn new(
        mut strings: Strings,
        mut rows: Vec<MemberRecord>,
        mut facts: RowFacts,
        skipped_rows: Vec<SkippedRow>,
        mut drift: Drift,
        fetched_at: Timestamp,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);

        facts.look(&strings, &rows);
        // Most lists come in the order of their ids.
        if facts.are_unsorted {
            drift.duplicate_rows += sort(&strings, &mut rows);
            facts = RowFacts::default();
            facts.look(&strings, &rows);
        }
        let (role_ends, role_members) = index_roles(&mut strings, &mut rows);
        strings.texts.shrink();
        let ids = IdIndex::build(&facts.id_hashes);
        let extent = RosterExtent::of(rows.len(), &facts, &role_ends);
        let size = size_of::<Self>()
            + size_of::<Indexes>()
            + strings.texts.capacity()
            + size_of_val(&*rows)
            + ids.size()
            + facts.size
            + size_of_val(&*strings.roles)
            + size_of_val(&*strings.agencies)
            + size_of_val(&*role_ends)
            + size_of_val(&*role_members)
            + size_of_val(&*skipped_rows)
            + recent_orders::room(rows.len());
        Self {
            id: SnapshotId(NEXT.fetch_add(1, Ordering::Relaxed)),
            generation: 0,
            fetched_at,
            strings,
            rows: without_room(rows),
            ids,
            role_ends,
            role_members,
            skipped_rows: skipped_rows.into(),
            drift,
            indexes: LazyLock::new(Box::default),
            extent,
            size,
        }
    }

    /// The snapshot's own number.
    #[must_use]
    pub fn id(&self) -> SnapshotId {
        self.id
    }

    /// The same snapshot as the given one of its account's generations.
    #[must_use]
    pub fn with_generation(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    /// A number that grows with each new snapshot of the account: which of two is the newer one.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// When the upstream gave this list.
    #[must_use]
    pub fn fetched_at(&self) -> Timestamp {
        self.fetched_at
    }

    /// Whether it says the same of the team as another snapshot, apart from when it was read.
    #[must_use]
    pub fn same_team(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.skipped_rows == other.skipped_rows
            && self.members().zip(other.members()).all(|(own, other)| own == other)
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The member at this index.
    ///
    /// # Panics
    /// When there is no such index: indexes come from this roster.
    #[must_use]
    pub fn member(&self, index: u32) -> TeamMember<'_> {
        TeamMember::new(&self.strings, &self.rows[index as usize])
    }

    /// Reads where these members are kept, without use of what is there, before they are written one after the other: where they lie
    /// apart in memory, the processor waits for all of them at once instead of for each.
    pub fn bring_near(&self, members: &[u32]) {
        let lie_together = || members.is_sorted_by(|before, index| before + 1 == *index);
        if self.len() < FAR || lie_together() {
            return;
        }
        let rows = || members.iter().map(|index| &self.rows[*index as usize]);
        // The records first: they say where the texts are.
        std::hint::black_box(rows().fold(0, |read, row| read ^ row.read_lines()));
        let texts = rows().filter_map(|row| row.id).map(|id| self.strings.texts.read_lines(id));
        std::hint::black_box(texts.fold(0, |read, byte| read ^ byte));
    }

    /// All members, by id.
    pub fn members(&self) -> impl ExactSizeIterator<Item = TeamMember<'_>> {
        self.rows.iter().map(|row| TeamMember::new(&self.strings, row))
    }

    /// How many different roles the members have.
    #[must_use]
    pub fn roles_len(&self) -> usize {
        self.role_ends.len()
    }

    /// The role at this index; they lie by id.
    ///
    /// # Panics
    /// When there is no such index.
    #[must_use]
    pub fn role(&self, index: u32) -> Role<'_> {
        let index = index as usize;
        let start = if index == 0 { 0 } else { self.role_ends[index - 1] };
        let members = &self.role_members[start as usize..self.role_ends[index] as usize];
        Role { id: self.strings.texts.get(self.strings.roles[index]), members }
    }

    /// The rows that could not be read, in the upstream's order.
    #[must_use]
    pub fn skipped_rows(&self) -> &[SkippedRow] {
        &self.skipped_rows
    }

    /// How far the upstream's answer was from what is known of it.
    #[must_use]
    pub fn drift(&self) -> Drift {
        self.drift
    }

    /// How many rows the lists in it have.
    #[must_use]
    pub fn extent(&self) -> RosterExtent {
        self.extent
    }

    /// Memory held, in bytes, approximately.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The index of the member with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<u32> {
        self.ids.find(id, |index| self.member(index).id())
    }

    /// How many members, from the front, have an id for which `is_before` holds.
    pub(super) fn partition_point(&self, is_before: impl Fn(JsonStr<'_>) -> bool) -> usize {
        self.rows.partition_point(|row| is_before(TeamMember::new(&self.strings, row).id()))
    }

    /// The place of the role with this id.
    #[must_use]
    pub fn find_role(&self, id: &str) -> Option<u32> {
        let roles = &self.strings.roles;
        let index = roles.binary_search_by(|role| self.strings.texts.get(*role).cmp_plain(id)).ok()?;
        u32::try_from(index).ok()
    }

    /// An index of the members; where it is not there yet, `cancelled` is asked now and then while it is made.
    pub(super) fn index<T>(
        &self,
        of: impl FnOnce(&Indexes) -> &LazyIndex<T>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<&T, Cancelled> {
        of(&self.indexes).get_unless(self.members(), cancelled)
    }

    /// The same for a question that can be answered without the index, which is made when it is asked for again.
    pub(super) fn index_again<T>(
        &self,
        of: impl FnOnce(&Indexes) -> &LazyIndex<T>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<&T>, Cancelled> {
        of(&self.indexes).get_again(self.members(), cancelled)
    }

    pub(super) fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    pub(super) fn searches(&self) -> &Searches {
        &self.indexes.searches
    }

    pub(super) fn orders(&self) -> &RecentOrders {
        &self.indexes.orders
    }

    pub(super) fn name_ranks(&self) -> &NameRanks {
        self.indexes.name_ranks.get(self.members())
    }
}

/// The rows in a block of their size. An allocator that is asked to shrink a block may keep it as it is, and the rest would not be
/// counted, so a new block is allocated where that would be much.
fn without_room(mut rows: Vec<MemberRecord>) -> Box<[MemberRecord]> {
    if rows.capacity() - rows.len() > rows.len() / WASTE {
        let mut exact = Vec::with_capacity(rows.len());
        exact.append(&mut rows);
        rows = exact;
    }
    rows.into()
}

/// Sorts rows by id and leaves one of each; says how many it threw away.
fn sort(strings: &Strings, rows: &mut Vec<MemberRecord>) -> usize {
    fn id<'r>(strings: &'r Strings, row: &'r MemberRecord) -> JsonStr<'r> {
        TeamMember::new(strings, row).id()
    }
    let newest = |row: &MemberRecord| row.updated_at;
    let before = rows.len();
    // Stable: of equally new rows the upstream's order decides. A missing time is older than any.
    rows.sort_by(|a, b| id(strings, a).cmp(&id(strings, b)).then_with(|| newest(a).cmp(&newest(b))));
    rows.reverse();
    rows.dedup_by(|later, kept| id(strings, later) == id(strings, kept));
    rows.reverse();
    before - rows.len()
}

/// Sorts the roles by id, leaves out those without members, and lists the members of each.
fn index_roles(strings: &mut Strings, rows: &mut [MemberRecord]) -> (Box<[u32]>, Box<[u32]>) {
    let mut counts = vec![0_u32; strings.roles.len()];
    for role in rows.iter().filter_map(|row| row.role) {
        counts[role.get() as usize] += 1;
    }
    let mut order: Vec<u32> = (0..).zip(&counts).filter(|(_, count)| **count > 0).map(|(role, _)| role).collect();
    let id = |role: u32| strings.texts.get(strings.roles[role as usize]);
    order.sort_unstable_by(|a, b| id(*a).cmp(&id(*b)));

    // Where each role's members begin, by its old index; they are put in one by one.
    let mut indexes = vec![0_u32; counts.len()];
    let mut next = vec![0_u32; order.len()];
    let mut total = 0;
    for (index, role) in (0_u32..).zip(&order) {
        indexes[*role as usize] = index;
        next[index as usize] = total;
        total += counts[*role as usize];
    }
    let mut members = vec![0; total as usize].into_boxed_slice();
    for (member, row) in (0..).zip(rows) {
        if let Some(role) = &mut row.role {
            let index = indexes[role.get() as usize];
            *role = StringIndex::new(index);
            let next = &mut next[index as usize];
            members[*next as usize] = member;
            *next += 1;
        }
    }
    strings.roles = order.iter().map(|role| strings.roles[*role as usize]).collect();
    // Each has been moved to its end.
    (next.into(), members)
}
