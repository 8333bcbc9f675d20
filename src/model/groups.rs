//! Groups: members counted by what some of their fields hold, and their unread messages summed.
//!
//! A member's key is packed into one number, field by field, a missing value as the last one of its field: so members are
//! counted by a number, and groups compare as their keys do.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::cancellation::Cancelled;
use super::ranks::Ranks;
use super::{Direction, GroupField, GroupOrderField, Roster};
use super::{LeadsVisibility, LiveAvailability, TeamMemberStatus, UserType};

/// How many members are counted between two looks at whether the request is still wanted.
const BLOCK: usize = 1024;

/// A sort order of groups; ties are broken by the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupOrder {
    /// The sort field.
    pub field: GroupOrderField,
    /// The sort direction.
    pub direction: Direction,
}

impl Default for GroupOrder {
    fn default() -> Self {
        Self { field: GroupOrderField::Key, direction: Direction::Asc }
    }
}

/// The values that the members of a group have in common. `None` where a field was not asked for, and where the members
/// have no such value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct GroupKey {
    pub user_type: Option<UserType>,
    pub status: Option<TeamMemberStatus>,
    pub live_availability: Option<LiveAvailability>,
    pub leads_visibility: Option<LeadsVisibility>,
    /// The index of the role in the roster's list of roles.
    pub role: Option<u32>,
    pub whitelabel: Option<bool>,
}

/// Members that have the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The values that they have in common.
    pub key: GroupKey,
    /// How many they are.
    pub count: usize,
    /// The sum of their unread messages; a missing number counts as zero.
    pub unread_messages: i64,
}

impl GroupField {
    /// How many values it has in a team of so many roles, the missing one included.
    #[must_use]
    pub fn value_count(self, roles: usize) -> usize {
        1 + match self {
            Self::Type => UserType::ALL.len(),
            Self::Status => TeamMemberStatus::ALL.len(),
            Self::LiveAvailability => LiveAvailability::ALL.len(),
            Self::LeadsVisibility => LeadsVisibility::ALL.len(),
            Self::Role => roles,
            Self::Whitelabel => 2,
        }
    }

    /// The numbers of the members' values among the field's.
    fn column<'r>(self, roster: &'r Roster, cancelled: &dyn Fn() -> bool) -> Result<&'r Ranks, Cancelled> {
        match self {
            Self::Type => roster.index(|known| &known.type_ranks, cancelled),
            Self::Status => roster.index(|known| &known.status_ranks, cancelled),
            Self::LiveAvailability => roster.index(|known| &known.live_ranks, cancelled),
            Self::LeadsVisibility => roster.index(|known| &known.leads_ranks, cancelled),
            Self::Role => roster.index(|known| &known.role_ranks, cancelled),
            Self::Whitelabel => roster.index(|known| &known.whitelabel_ranks, cancelled),
        }
    }

    fn put(self, key: &mut GroupKey, value: u32) {
        fn named<T: Copy>(all: &[T], value: u32) -> Option<T> {
            all.get(value as usize).copied()
        }
        match self {
            Self::Type => key.user_type = named(UserType::ALL, value),
            Self::Status => key.status = named(TeamMemberStatus::ALL, value),
            Self::LiveAvailability => key.live_availability = named(LiveAvailability::ALL, value),
            Self::LeadsVisibility => key.leads_visibility = named(LeadsVisibility::ALL, value),
            Self::Role => key.role = Some(value),
            Self::Whitelabel => key.whitelabel = Some(value == 1),
        }
    }
}

/// Packs keys into numbers: at most 324 keys of enums and the flag, times a roster's roles, fit into 64 bits.
struct Packing<'r> {
    /// Each field, where its values are, and how many there can be.
    fields: Vec<(GroupField, &'r Ranks, u64)>,
    /// Whether a smaller number stands for a greater value. A missing value is the greatest number either way.
    reversed: bool,
}

impl Packing<'_> {
    /// How many keys there can be.
    fn keys(&self) -> u64 {
        self.fields.iter().map(|(_, _, values)| values).product()
    }

    /// Puts the keys of these members into `keys`, field by field.
    fn pack(&self, members: &[u32], keys: &mut Vec<u64>) {
        keys.clear();
        keys.resize(members.len(), 0);
        for (_, ranks, values) in &self.fields {
            let digit = |rank: u32| {
                if rank < ranks.distinct() { self.turned(rank.into(), *values) } else { values - 1 }
            };
            keys.iter_mut().zip(members).for_each(|(key, index)| *key = *key * values + digit(ranks.get(*index)));
        }
    }

    fn unpack(&self, mut packed: u64) -> GroupKey {
        let mut key = GroupKey::default();
        for (field, _, values) in self.fields.iter().rev() {
            let digit = packed % values;
            packed /= values;
            if digit < values - 1 {
                field.put(&mut key, u32::try_from(self.turned(digit, *values)).unwrap_or(u32::MAX));
            }
        }
        key
    }

    fn turned(&self, value: u64, values: u64) -> u64 {
        if self.reversed { (values - 2).saturating_sub(value) } else { value }
    }
}

/// Members and sums of unread messages by key.
enum Sums {
    /// Of every key that there can be.
    All(Vec<(usize, i64)>),
    /// Of those that occur.
    Some(HashMap<u64, (usize, i64)>),
}

impl Sums {
    /// For so many members with at most so many keys.
    fn of(keys: u64, members: usize) -> Self {
        match usize::try_from(keys) {
            Ok(keys) if keys <= members.saturating_mul(2) => Self::All(vec![(0, 0); keys]),
            _ => Self::Some(HashMap::new()),
        }
    }

    fn at(&mut self, key: u64) -> &mut (usize, i64) {
        match self {
            // Packing makes no greater key.
            Self::All(all) => &mut all[key as usize],
            Self::Some(some) => some.entry(key).or_default(),
        }
    }

    fn list(self) -> Vec<(u64, (usize, i64))> {
        match self {
            Self::All(all) => (0..).zip(all).filter(|(_, (count, _))| *count > 0).collect(),
            Self::Some(some) => some.into_iter().collect(),
        }
    }
}

impl Roster {
    /// These members, counted by the fields `by`: the first groups in this order. `cancelled` is asked before each thousand
    /// members are counted.
    ///
    /// # Errors
    /// [`Cancelled`] when it said yes.
    pub fn groups(
        &self,
        members: &[u32],
        by: &[GroupField],
        order: GroupOrder,
        first: usize,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<Group>, Cancelled> {
        let field = |field: &GroupField| {
            Ok((*field, field.column(self, cancelled)?, field.value_count(self.roles_len()) as u64))
        };
        let reversed = order.field == GroupOrderField::Key && order.direction == Direction::Desc;
        let packing = Packing { fields: by.iter().map(field).collect::<Result<_, _>>()?, reversed };
        let unread = self.index(|known| &known.unread, cancelled)?;
        let mut sums = Sums::of(packing.keys(), members.len());
        let mut keys = Vec::new();
        for block in members.chunks(BLOCK) {
            if cancelled() {
                return Err(Cancelled);
            }
            packing.pack(block, &mut keys);
            for (key, index) in keys.iter().zip(block) {
                let (count, sum) = sums.at(*key);
                *count += 1;
                *sum += i64::from(unread[*index as usize]);
            }
        }
        let mut sums = sums.list();
        match (order.field, order.direction) {
            (GroupOrderField::Key, _) => sums.sort_unstable_by_key(|(key, _)| *key),
            (GroupOrderField::Count, Direction::Asc) => sums.sort_unstable_by_key(|(key, (count, _))| (*count, *key)),
            (GroupOrderField::Count, Direction::Desc) => {
                sums.sort_unstable_by_key(|(key, (count, _))| (Reverse(*count), *key));
            }
            (GroupOrderField::UnreadMessages, Direction::Asc) => {
                sums.sort_unstable_by_key(|(key, (_, unread))| (*unread, *key));
            }
            (GroupOrderField::UnreadMessages, Direction::Desc) => {
                sums.sort_unstable_by_key(|(key, (_, unread))| (Reverse(*unread), *key));
            }
        }
        sums.truncate(first);
        let group = |(key, (count, unread_messages))| Group { key: packing.unpack(key), count, unread_messages };
        Ok(sums.into_iter().map(group).collect())
    }
}
