//! The roster: an account's team as one immutable snapshot, and the questions it answers.
//!
//! Members are kept sorted by id, each id once. Nothing in a roster changes, so everything that one response reads from
//! it belongs together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Filter, Order, Page, PageLimits, PageRequest, TeamMember, Timestamp};

/// A number that no other snapshot of this process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotId(u64);

/// A row of the upstream's answer that could not be read at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedRow {
    /// The row's place in the upstream's list, from 0.
    pub index: u32,
    /// Why, in words, without the row's content.
    pub reason: &'static str,
}

/// How far the upstream's answer was from what is known of it, in counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Values that could not be read as what their field is.
    pub unrecognized_values: usize,
    /// Fields that nobody has heard of.
    pub unknown_fields: usize,
    /// Rows left out because another of the same id was newer.
    pub duplicate_rows: usize,
}

/// A role of a roster: its id and who has it.
#[derive(Clone, Debug)]
pub struct Role {
    /// The members' `_role`.
    pub id: Arc<str>,
    /// Places of its members in the roster, ascending; never empty.
    pub members: Box<[u32]>,
}

/// One account's team at one moment.
pub struct Roster {
    id: SnapshotId,
    fetched_at: Timestamp,
    members: Box<[TeamMember]>,
    roles: Box<[Role]>,
    skipped_rows: Box<[SkippedRow]>,
    drift: Drift,
    size: usize,
}

impl std::fmt::Debug for Roster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Roster").field("id", &self.id).field("members", &self.members.len()).finish_non_exhaustive()
    }
}

impl Roster {
    /// Makes a snapshot of what the upstream told at `fetched_at`. Of members with the same id the one with the newest
    /// `updated_at` stays, of equally new ones the last.
    #[must_use]
    pub fn new(
        mut members: Vec<TeamMember>,
        skipped_rows: Vec<SkippedRow>,
        mut drift: Drift,
        fetched_at: Timestamp,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);

        let rows = members.len();
        // Stable: of equally new rows the upstream's order decides. A missing moment is older than any.
        members.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.updated_at.cmp(&b.updated_at)));
        members.reverse();
        members.dedup_by(|later, kept| later.id == kept.id);
        members.reverse();
        drift.duplicate_rows = rows - members.len();

        let mut roles = BTreeMap::<Arc<str>, Vec<u32>>::new();
        for (place, member) in (0..).zip(&members) {
            if let Some(role) = &member.role_id {
                roles.entry(role.clone()).or_default().push(place);
            }
        }
        let roles: Box<[Role]> = roles.into_iter().map(|(id, members)| Role { id, members: members.into() }).collect();

        let size = size_of::<Self>()
            + members.iter().map(TeamMember::size).sum::<usize>()
            + roles.iter().map(|role| size_of::<Role>() + role.id.len() + size_of_val(&*role.members)).sum::<usize>()
            + size_of_val(&*skipped_rows);
        Self {
            id: SnapshotId(NEXT.fetch_add(1, Ordering::Relaxed)),
            fetched_at,
            members: members.into(),
            roles,
            skipped_rows: skipped_rows.into(),
            drift,
            size,
        }
    }

    /// The snapshot's own number.
    #[must_use]
    pub fn id(&self) -> SnapshotId {
        self.id
    }

    /// When the upstream gave this list.
    #[must_use]
    pub fn fetched_at(&self) -> Timestamp {
        self.fetched_at
    }

    /// All members, by id.
    #[must_use]
    pub fn members(&self) -> &[TeamMember] {
        &self.members
    }

    /// The roles that members have, by id.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
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

    /// Memory held, in bytes, approximately.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The place of the member with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<u32> {
        let place = self.members.binary_search_by(|member| (*member.id).cmp(id)).ok()?;
        u32::try_from(place).ok()
    }

    /// The place in [`roles`](Self::roles) of the role with this id.
    #[must_use]
    pub fn find_role(&self, id: &str) -> Option<u32> {
        let place = self.roles.binary_search_by(|role| (*role.id).cmp(id)).ok()?;
        u32::try_from(place).ok()
    }

    /// One page of the members, or of a role's members, that match `filter`, sorted by `order`.
    #[must_use]
    pub fn page(
        &self,
        role: Option<&Role>,
        filter: Option<&Filter>,
        order: &Order,
        request: &PageRequest,
        limits: PageLimits,
    ) -> Page {
        let member = |place: u32| &self.members[place as usize];
        let matches = |place: &u32| filter.is_none_or(|filter| filter.matches(member(*place)));
        let mut list: Vec<u32> = match role {
            Some(role) => role.members.iter().copied().filter(matches).collect(),
            None => (0..).take(self.members.len()).filter(matches).collect(),
        };
        if !order.is_by_id() {
            list.sort_unstable_by(|a, b| order.compare(member(*a), member(*b)));
        }
        request.cut(list, &self.members, order, limits)
    }
}
