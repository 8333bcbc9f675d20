//! Changes: how the members of two snapshots differ in what a selection shows of them.

use std::collections::HashMap;

use crate::model::Roster;

/// The changes from one event to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MemberChanges {
    /// Indexes of members that are new or different.
    pub(super) upserted: Vec<u32>,
    /// Members that are gone, by id.
    pub(super) removed: Vec<Box<str>>,
    /// Whether what was known before is to be forgotten.
    pub(super) reset: bool,
}

/// The digests of a selection's members, by id: a hash of the fields that it shows.
pub(super) type MemberDigests = HashMap<Box<str>, u64>;

impl MemberChanges {
    /// Every member.
    pub(super) fn all(roster: &Roster) -> Self {
        Self { upserted: (0..).take(roster.len()).collect(), removed: Vec::new(), reset: true }
    }

    /// From what was known to what `roster` shows, whose digests are `now`.
    pub(super) fn between(before: &MemberDigests, now: &MemberDigests, roster: &Roster) -> Self {
        let differs = |index: &u32| {
            let id = roster.member(*index).id().plain();
            before.get(id.as_ref()) != now.get(id.as_ref())
        };
        let upserted = (0..).take(roster.len()).filter(differs).collect();
        let mut removed: Vec<Box<str>> = before.keys().filter(|id| !now.contains_key(*id)).cloned().collect();
        removed.sort_unstable();
        Self { upserted, removed, reset: false }
    }

    /// Whether nothing has changed.
    pub(super) fn is_empty(&self) -> bool {
        self.upserted.is_empty() && self.removed.is_empty() && !self.reset
    }
}
