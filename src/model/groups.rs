//! Groups: members counted by what some of their fields hold, and their unread messages summed.
//!
//! A member's key is packed into one number, field by field, a missing value as the last one of its field: so members are
//! counted by a number, and groups compare as their keys do.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::cancellation::Cancelled;
use super::{Direction, LeadsVisibility, LiveAvailability, Roster, TeamMember, TeamMemberStatus, UserType};

/// How many members are counted between two looks at whether the request is still wanted.
const BLOCK: usize = 1024;

/// What members can be grouped by: fields of few values, none of them contact data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupField {
    /// The kind of user.
    Type,
    /// The status.
    Status,
    /// The live availability.
    LiveAvailability,
    /// The leads visibility.
    LeadsVisibility,
    /// The role.
    Role,
    /// Whether the member belongs to a white label.
    Whitelabel,
}

/// What to sort groups by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GroupOrderField {
    /// The key: its fields in the order in which they were asked for, missing values last.
    #[default]
    Key,
    /// The number of members.
    Count,
    /// The sum of unread messages.
    UnreadMessages,
}

/// A sort order of groups; ties are broken by the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupOrder {
    /// What to sort by.
    pub field: GroupOrderField,
    /// Which way.
    pub direction: Direction,
}

impl Default for GroupOrder {
    fn default() -> Self {
        Self { field: GroupOrderField::Key, direction: Direction::Asc }
    }
}

/// What the members of a group have in common. `None` where it was not asked for, and where the members have no such value.
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
    /// What they have in common.
    pub key: GroupKey,
    /// How many they are.
    pub count: usize,
    /// The sum of their unread messages; a missing number counts as zero.
    pub unread_messages: i64,
}

impl GroupField {
    /// The field of this name in the schema.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "TYPE" => Self::Type,
            "STATUS" => Self::Status,
            "LIVE_AVAILABILITY" => Self::LiveAvailability,
            "LEADS_VISIBILITY" => Self::LeadsVisibility,
            "ROLE" => Self::Role,
            "WHITELABEL" => Self::Whitelabel,
            _ => return None,
        })
    }

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

    /// The number of the member's value among the field's.
    fn value(self, member: TeamMember<'_>) -> Option<u32> {
        match self {
            Self::Type => member.user_type().map(|value| value as u32),
            Self::Status => member.status().map(|value| value as u32),
            Self::LiveAvailability => member.live_availability().map(|value| value as u32),
            Self::LeadsVisibility => member.leads_visibility().map(|value| value as u32),
            Self::Role => member.role_place(),
            Self::Whitelabel => member.whitelabel().map(u32::from),
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
struct Packing {
    /// Each field, and the number of its values.
    fields: Vec<(GroupField, u64)>,
    /// Whether a smaller number stands for a greater value. A missing value is the greatest number either way.
    reversed: bool,
}

impl Packing {
    fn pack(&self, member: TeamMember<'_>) -> u64 {
        self.fields.iter().fold(0, |key, (field, values)| {
            let digit = field.value(member).map_or(values - 1, |value| self.turned(value.into(), *values));
            key * values + digit
        })
    }

    fn unpack(&self, mut packed: u64) -> GroupKey {
        let mut key = GroupKey::default();
        for (field, values) in self.fields.iter().rev() {
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
        let count = |field: &GroupField| (*field, field.value_count(self.roles_len()) as u64);
        let reversed = order.field == GroupOrderField::Key && order.direction == Direction::Desc;
        let packing = Packing { fields: by.iter().map(count).collect(), reversed };
        let mut sums: HashMap<u64, (usize, i64)> = HashMap::new();
        for block in members.chunks(BLOCK) {
            if cancelled() {
                return Err(Cancelled);
            }
            for index in block {
                let member = self.member(*index);
                let (count, unread) = sums.entry(packing.pack(member)).or_default();
                *count += 1;
                *unread += i64::from(member.unread_messages().unwrap_or(0));
            }
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
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
