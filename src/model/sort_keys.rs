//! Sorting by ranks: a few members by keys, which are a member's ranks packed into one number that compares as the order does
//! and ends with the member's index; many by counting, rank by rank, which costs the same for each of them.

use std::cmp::Ordering;

use super::Roster;
use super::cancellation::Cancelled;
use super::names::{Direction, OrderField};
use super::order::Order;
use super::ranks::Ranks;

/// How members of one roster pack into keys of one order.
pub(super) struct SortKeys<'r> {
    roster: &'r Roster,
    digits: Vec<(RankSource<'r>, Direction)>,
    /// Whether every key fits into 64 bits.
    is_narrow: bool,
}

/// Counting looks at all ranks that there are, so it is worth it for no fewer members than such a part of them.
const COUNTED_PART: usize = 4;
/// Nor for fewer than these.
const COUNTED_LEAST: usize = 64;

/// Where the rank of a member's value comes from.
enum RankSource<'r> {
    Ranks(&'r Ranks),
    /// Members lie in the order of their ids.
    Index(u32),
}

/// An integer that keys are packed into.
trait PackedKey: Copy + Ord {
    const ZERO: Self;
    /// Puts a digit of a number system of base `base` behind the others.
    fn push(self, base: u32, digit: u32) -> Self;
    /// The digit that was pushed last.
    fn last(self, base: u32) -> u32;
}

macro_rules! keys {
    ($($int:ty),+) => {$(
        impl PackedKey for $int {
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
    pub(super) fn new(roster: &'r Roster, order: &Order, cancelled: &dyn Fn() -> bool) -> Result<Self, Cancelled> {
        let digit = |(field, direction): &(OrderField, Direction)| {
            RankSource::of(*field, roster, cancelled).map(|digits| (digits, *direction))
        };
        let digits = order.keys().iter().map(digit).collect::<Result<Vec<_>, _>>()?;
        // A roster has fewer than 2^29 members, for its text is limited and each has an id; so the four kinds of ranks, the
        // three enums and the index stay within 128 bits.
        let keys = digits.iter().fold(u128::from(members(roster)), |keys, (digits, _)| {
            keys.saturating_mul(u128::from(digits.distinct()) + 1)
        });
        Ok(Self { roster, digits, is_narrow: keys <= u128::from(u64::MAX) })
    }

    /// Members, given by their indexes in ascending order, in this order.
    pub(super) fn sorted(&self, list: &[u32]) -> Vec<u32> {
        let ranks = self.digits.iter().map(|(digits, _)| digits.distinct() as usize).max().unwrap_or(0);
        if list.len() >= COUNTED_LEAST && list.len() >= ranks / COUNTED_PART {
            self.counted(list)
        } else if self.is_narrow {
            self.packed::<u64>(list)
        } else {
            self.packed::<u128>(list)
        }
    }

    fn packed<K: PackedKey>(&self, list: &[u32]) -> Vec<u32> {
        let mut keys: Vec<K> = list.iter().map(|index| self.key(*index)).collect();
        keys.sort_unstable();
        keys.into_iter().map(|key| key.last(members(self.roster))).collect()
    }

    /// Sorts by one digit after the other, the most significant last; members that are equal in it stay as they were.
    fn counted(&self, list: &[u32]) -> Vec<u32> {
        let (mut sorted, mut next, mut starts) = (list.to_vec(), vec![0; list.len()], Vec::new());
        for (digits, direction) in self.digits.iter().rev() {
            match digits {
                RankSource::Ranks(ranks) => {
                    let rank = |index| ranks.get(index);
                    distribute(&sorted, &mut next, &mut starts, rank, ranks.distinct(), *direction);
                }
                RankSource::Index(members) => {
                    distribute(&sorted, &mut next, &mut starts, |index| index, *members, *direction);
                }
            }
            std::mem::swap(&mut sorted, &mut next);
        }
        sorted
    }

    /// How two members compare.
    pub(super) fn compare(&self, one: u32, other: u32) -> Ordering {
        let by = |(digits, direction): &(RankSource<'r>, Direction)| {
            let of = |index| digits.directed(*direction, index);
            Some(of(one).cmp(&of(other))).filter(|ordering| ordering.is_ne())
        };
        self.digits.iter().find_map(by).unwrap_or_else(|| one.cmp(&other))
    }

    /// The key of a member.
    fn key<K: PackedKey>(&self, index: u32) -> K {
        let key = self.digits.iter().fold(K::ZERO, |key, (digits, direction)| {
            key.push(digits.distinct() + 1, digits.directed(*direction, index))
        });
        key.push(members(self.roster), index)
    }
}

impl<'r> RankSource<'r> {
    fn of(field: OrderField, roster: &'r Roster, cancelled: &dyn Fn() -> bool) -> Result<Self, Cancelled> {
        Ok(match field {
            OrderField::Name => Self::Ranks(&roster.index(|known| &known.name_ranks, cancelled)?.ranks),
            OrderField::UnreadMessages => Self::Ranks(&roster.index(|known| &known.unread_ranks, cancelled)?.ranks),
            OrderField::CreatedAt => Self::Ranks(&roster.index(|known| &known.created_ranks, cancelled)?.ranks),
            OrderField::UpdatedAt => Self::Ranks(&roster.index(|known| &known.updated_ranks, cancelled)?.ranks),
            OrderField::Status => Self::Ranks(roster.index(|known| &known.status_ranks, cancelled)?),
            OrderField::LiveAvailability => Self::Ranks(roster.index(|known| &known.live_ranks, cancelled)?),
            OrderField::Type => Self::Ranks(roster.index(|known| &known.type_ranks, cancelled)?),
            OrderField::Id => Self::Index(members(roster)),
        })
    }

    /// The rank of the member's value from the front of an order in this direction.
    fn directed(&self, direction: Direction, index: u32) -> u32 {
        let (rank, distinct) = (self.rank(index), self.distinct());
        // The missing come last, whatever the direction.
        if direction == Direction::Desc && rank < distinct { distinct - 1 - rank } else { rank }
    }

    fn rank(&self, index: u32) -> u32 {
        match self {
            Self::Ranks(ranks) => ranks.get(index),
            Self::Index(_) => index,
        }
    }

    fn distinct(&self) -> u32 {
        match self {
            Self::Ranks(ranks) => ranks.distinct(),
            Self::Index(distinct) => *distinct,
        }
    }
}

/// Puts members in the order of their ranks, of which there are `distinct`, and one more for what is missing, which comes last;
/// `starts` is room for where each rank begins.
fn distribute(
    list: &[u32],
    to: &mut [u32],
    starts: &mut Vec<u32>,
    rank: impl Fn(u32) -> u32,
    distinct: u32,
    direction: Direction,
) {
    starts.clear();
    starts.resize(distinct as usize + 1, 0);
    list.iter().for_each(|index| starts[rank(*index) as usize] += 1);
    let (present, missing) = starts.split_at_mut(distinct as usize);
    let mut total = 0;
    let mut begin = |count: &mut u32| {
        let start = total;
        total += *count;
        *count = start;
    };
    match direction {
        Direction::Asc => present.iter_mut().for_each(&mut begin),
        Direction::Desc => present.iter_mut().rev().for_each(&mut begin),
    }
    missing.iter_mut().for_each(begin);
    for index in list {
        let start = &mut starts[rank(*index) as usize];
        to[*start as usize] = *index;
        *start += 1;
    }
}

fn members(roster: &Roster) -> u32 {
    u32::try_from(roster.len()).unwrap_or(u32::MAX)
}
