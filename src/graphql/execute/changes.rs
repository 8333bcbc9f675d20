//! Changes: how the members of two snapshots differ in what a selection shows of them.

use crate::model::{Cancelled, Roster};

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

impl MemberChanges {
    /// Every member.
    pub(super) fn all(roster: &Roster) -> Self {
        Self { upserted: (0..).take(roster.len()).collect(), removed: Vec::new(), reset: true }
    }

    /// From one snapshot to the next; `differs` says of a member of both, by its index in each, whether it is shown in another way.
    ///
    /// # Errors
    /// [`Cancelled`] when `differs` says so.
    pub(super) fn between(
        before: &Roster,
        now: &Roster,
        mut differs: impl FnMut(u32, u32) -> Result<bool, Cancelled>,
    ) -> Result<Self, Cancelled> {
        let mut changes = Self::default();
        // Both are in the order of ids, each id once.
        let mut old = (0..).zip(before.members()).peekable();
        for (new, member) in (0..).zip(now.members()) {
            while let Some((_, gone)) = old.next_if(|(_, known)| known.id() < member.id()) {
                changes.removed.push(gone.id().plain().into());
            }
            let known = old.next_if(|(_, known)| known.id() == member.id());
            let is_changed = match known {
                Some((index, _)) => differs(index, new)?,
                None => true,
            };
            if is_changed {
                changes.upserted.push(new);
            }
        }
        changes.removed.extend(old.map(|(_, gone)| Box::from(&*gone.id().plain())));
        Ok(changes)
    }

    /// Whether nothing has changed.
    pub(super) fn is_empty(&self) -> bool {
        self.upserted.is_empty() && self.removed.is_empty() && !self.reset
    }
}
