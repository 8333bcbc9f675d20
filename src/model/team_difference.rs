//! The difference of two snapshots of one team: the members and roles that an answer may say something else of.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::{JsonStr, Roster, TeamMember};

/// How two snapshots of one team differ, apart from when they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamDifference {
    /// Not at all.
    None,
    /// In these members and roles, by id, and in nothing else but lists of them.
    Some {
        /// Members that are new, gone or different.
        members: Vec<Box<str>>,
        /// The roles that those have or had.
        roles: Vec<Box<str>>,
    },
    /// In more of them than was asked for.
    Many,
}

impl TeamDifference {
    /// From one snapshot to the next; [`Many`](Self::Many) where that is more than `limit` members.
    #[must_use]
    pub fn between(before: &Roster, after: &Roster, limit: usize) -> Self {
        let mut found = Found { members: Vec::new(), roles: BTreeSet::new() };
        // Both are in the order of ids, each id once.
        let (mut old, mut new) = (before.members().peekable(), after.members().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.id().cmp(&new.id()),
            };
            let old = if order.is_le() { old.next() } else { None };
            let new = if order.is_ge() { new.next() } else { None };
            if old != new {
                found.push(old, new);
            }
            if found.members.len() > limit {
                return Self::Many;
            }
        }
        if found.members.is_empty() && before.skipped_rows() == after.skipped_rows() {
            return Self::None;
        }
        Self::Some { members: found.members, roles: found.roles.into_iter().collect() }
    }
}

struct Found {
    members: Vec<Box<str>>,
    roles: BTreeSet<Box<str>>,
}

impl Found {
    /// Takes in a member as it was and as it is; at least one of them is there.
    fn push(&mut self, old: Option<TeamMember<'_>>, new: Option<TeamMember<'_>>) {
        let text = |id: JsonStr<'_>| Box::from(&*id.plain());
        self.members.extend(old.or(new).map(|member| text(member.id())));
        self.roles.extend([old, new].into_iter().flatten().filter_map(TeamMember::role_id).map(text));
    }
}
