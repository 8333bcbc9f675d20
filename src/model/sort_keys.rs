//! Sort keys as integers: a member's ranks in an order, packed into one number that compares as the order does and ends with
//! the member's index, so that a list is sorted without looking at a member again.

use super::order::{Direction, Order, OrderField};
use super::ranks::Ranks;
use super::{LiveAvailability, Roster, TeamMember, TeamMemberStatus, UserType};

/// How members of one roster pack into keys of one order.
pub(super) struct SortKeys<'r> {
    roster: &'r Roster,
    digits: Vec<(Digits<'r>, Direction)>,
    /// Whether every key fits into 64 bits.
    pub(super) is_narrow: bool,
}

/// Where the rank of a member's value comes from.
enum Digits<'r> {
    Ranks(&'r Ranks),
    /// An enum's values, which are ranks themselves, and their number.
    Values(fn(TeamMember<'r>) -> Option<u32>, u32),
    /// Members lie in the order of their ids.
    Index(u32),
}

/// An integer that keys are packed into.
pub(super) trait Key: Copy + Ord {
    const ZERO: Self;
    /// Puts a digit of a number system of base `base` behind the others.
    fn push(self, base: u32, digit: u32) -> Self;
    /// The digit that was pushed last.
    fn last(self, base: u32) -> u32;
}

macro_rules! keys {
    ($($int:ty),+) => {$(
        impl Key for $int {
            const ZERO: Self = 0;

            fn push(self, base: u32, digit: u32) -> Self {
                self * Self::from(base) + Self::from(digit)
            }

            fn last(self, base: u32) -> u32 {
                (self % Self::from(base)) as u32
            }
        }
    )+};
}

keys!(u64, u128);

impl<'r> SortKeys<'r> {
    pub(super) fn new(roster: &'r Roster, order: &Order) -> Self {
        let digits: Vec<_> =
            order.keys().iter().map(|(field, direction)| (Digits::of(*field, roster), *direction)).collect();
        // A roster has fewer than 2^29 members, for its text is limited and each has an id; so the four kinds of ranks, the
        // three enums and the index stay within 128 bits.
        let keys = digits.iter().fold(u128::from(members(roster)), |keys, (digits, _)| {
            keys.saturating_mul(u128::from(digits.distinct()) + 1)
        });
        Self { roster, digits, is_narrow: keys <= u128::from(u64::MAX) }
    }

    /// The key of a member.
    pub(super) fn key<K: Key>(&self, index: u32) -> K {
        let key = self.digits.iter().fold(K::ZERO, |key, (digits, direction)| {
            let (rank, distinct) = (digits.rank(self.roster, index), digits.distinct());
            // The missing come last, whatever the direction.
            let digit = if *direction == Direction::Desc && rank < distinct { distinct - 1 - rank } else { rank };
            key.push(distinct + 1, digit)
        });
        key.push(members(self.roster), index)
    }

    /// The member that has this key.
    pub(super) fn index<K: Key>(&self, key: K) -> u32 {
        key.last(members(self.roster))
    }
}

impl<'r> Digits<'r> {
    fn of(field: OrderField, roster: &'r Roster) -> Self {
        match field {
            OrderField::Name => Self::Ranks(&roster.name_ranks().ranks),
            OrderField::UnreadMessages => Self::Ranks(roster.unread_ranks()),
            OrderField::CreatedAt => Self::Ranks(roster.created_ranks()),
            OrderField::UpdatedAt => Self::Ranks(roster.updated_ranks()),
            OrderField::Status => Self::Values(|m| Some(m.status()? as u32), count(TeamMemberStatus::ALL)),
            OrderField::LiveAvailability => {
                Self::Values(|m| Some(m.live_availability()? as u32), count(LiveAvailability::ALL))
            }
            OrderField::Type => Self::Values(|m| Some(m.user_type()? as u32), count(UserType::ALL)),
            OrderField::Id => Self::Index(members(roster)),
        }
    }

    fn rank(&self, roster: &'r Roster, index: u32) -> u32 {
        match self {
            Self::Ranks(ranks) => ranks.get(index),
            Self::Values(value, distinct) => value(roster.member(index)).unwrap_or(*distinct),
            Self::Index(_) => index,
        }
    }

    fn distinct(&self) -> u32 {
        match self {
            Self::Ranks(ranks) => ranks.distinct(),
            Self::Values(_, distinct) | Self::Index(distinct) => *distinct,
        }
    }
}

fn members(roster: &Roster) -> u32 {
    u32::try_from(roster.len()).unwrap_or(u32::MAX)
}

fn count<T>(values: &[T]) -> u32 {
    u32::try_from(values.len()).unwrap_or(u32::MAX)
}
