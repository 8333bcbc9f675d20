//! One page of a sorted list, by Relay's rules: `first` after a cursor, or `last` before one.

use std::cmp::Ordering;

use super::cancellation::Cancelled;
use super::cursor::{Recorded, member_hash, record};
use super::selection::select;
use super::sort_keys::SortKeys;
use super::{AccountHash, Cursor, Direction, Filter, Order, OrderField, Role, Roster};

/// The arguments of a page; without a length, it has the default number of members from the start of the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageRequest {
    /// The first n members.
    pub first: Option<i32>,
    /// Only members after this position.
    pub after: Option<Cursor>,
    /// The last n members.
    pub last: Option<i32>,
    /// Only members before this position.
    pub before: Option<Cursor>,
}

/// How long a page may be, in members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimits {
    /// The length when none is asked for.
    pub default: usize,
    /// The longest.
    pub max: usize,
}

/// The page cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPage {
    /// Both ends at once.
    #[error("ask for `first` or for `last`, not both")]
    BothEnds,
    /// A negative length.
    #[error("`{0}` must not be negative")]
    Negative(&'static str),
    /// A length past the limit.
    #[error("`{0}` must not be more than {1}")]
    TooLong(&'static str, usize),
}

/// A page: its members, and what lies around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Indexes of the members in the roster, in the order of the list.
    pub members: Vec<u32>,
    /// How many members of the list come before the page.
    pub start: usize,
    /// How many members the whole list has.
    pub total: usize,
    /// The index of the member in front of the page, if there is one.
    previous: Option<u32>,
}

impl Page {
    /// Whether the list goes on after this page.
    #[must_use]
    pub fn has_next(&self) -> bool {
        self.start + self.members.len() < self.total
    }

    /// Whether the list has something before this page.
    #[must_use]
    pub fn has_previous(&self) -> bool {
        self.start > 0
    }

    /// The cursor of the page's n-th member.
    #[must_use]
    pub fn cursor(&self, roster: &Roster, order: &Order, n: usize) -> Option<Cursor> {
        let (index, previous) = self.with_previous(n)?;
        Some(Cursor::behind(roster, order, index, previous))
    }

    /// Writes the text of that cursor to the end of `out`, or returns false where there is no such member; `bytes` is room that
    /// is used again for the next.
    pub fn write_cursor(
        &self,
        (roster, account): (&Roster, AccountHash),
        order: &Order,
        n: usize,
        bytes: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> bool {
        let member = self.with_previous(n);
        member.map(|member| Cursor::write_behind(roster, account, order, member, bytes, out)).is_some()
    }

    /// The page's n-th member, and the one in front of it in the list.
    fn with_previous(&self, n: usize) -> Option<(u32, Option<u32>)> {
        let index = *self.members.get(n)?;
        let previous = if n == 0 { self.previous } else { self.members.get(n - 1).copied() };
        Some((index, previous))
    }
}

impl Roster {
    /// One page of the members, or of a role's members, that meet `filter`, sorted by `order`. `cancelled` is asked before each
    /// thousand members are looked through.
    ///
    /// # Errors
    /// [`Cancelled`] when it said yes.
    pub fn page(
        &self,
        role: Option<Role<'_>>,
        filter: Option<&Filter>,
        order: &Order,
        request: &PageRequest,
        limits: PageLimits,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Page, Cancelled> {
        let found = match (&role, filter) {
            (None, None) => None,
            _ => Some(self.matching(role, filter, cancelled)?),
        };
        self.page_of(found.as_deref(), order, request, limits, cancelled)
    }

    /// The indexes of the members, or of a role's members, that meet `filter`, ascending.
    ///
    /// # Errors
    /// As for [`page`](Self::page).
    pub fn matching(
        &self,
        role: Option<Role<'_>>,
        filter: Option<&Filter>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<u32>, Cancelled> {
        match (filter, role.map(|role| role.members)) {
            (Some(filter), among) => select(filter, self, among, cancelled),
            (None, Some(members)) => Ok(members.to_vec()),
            (None, None) => Ok(all(self)),
        }
    }

    /// These members by their roles, in the order of the roster's roles; those without a role are left out.
    ///
    /// # Errors
    /// As for [`page`](Self::page).
    pub fn by_role(&self, members: &[u32], cancelled: &dyn Fn() -> bool) -> Result<Vec<Vec<u32>>, Cancelled> {
        let ranks = self.index(|known| &known.role_ranks, cancelled)?;
        let mut by_role = vec![Vec::new(); self.roles_len()];
        for index in members {
            if let Some(role) = by_role.get_mut(ranks.get(*index) as usize) {
                role.push(*index);
            }
        }
        Ok(by_role)
    }

    /// One page of these members, sorted by `order`; `list` is what [`matching`](Self::matching) found, or `None` for all members.
    ///
    /// # Errors
    /// As for [`page`](Self::page).
    pub fn page_of(
        &self,
        list: Option<&[u32]>,
        order: &Order,
        request: &PageRequest,
        limits: PageLimits,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Page, Cancelled> {
        if cancelled() {
            return Err(Cancelled);
        }
        request.slice(list, self, order, limits, cancelled)
    }
}

impl PageRequest {
    /// Checks the lengths against the limits, before anything is loaded.
    ///
    /// # Errors
    /// [`InvalidPage`] says which argument is wrong and what is allowed.
    pub fn check(&self, limits: PageLimits) -> Result<(), InvalidPage> {
        if self.first.is_some() && self.last.is_some() {
            return Err(InvalidPage::BothEnds);
        }
        for (name, length) in [("first", self.first), ("last", self.last)] {
            match length.map(usize::try_from) {
                Some(Err(_)) => return Err(InvalidPage::Negative(name)),
                Some(Ok(length)) if length > limits.max => {
                    return Err(InvalidPage::TooLong(name, limits.max));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The page of `list`, which holds indexes of `roster` in ascending order, or of all of them, sorted by `order`.
    fn slice(
        &self,
        list: Option<&[u32]>,
        roster: &Roster,
        order: &Order,
        limits: PageLimits,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Page, Cancelled> {
        if order.is_by_id() {
            return Ok(self.slice_by_id(list, roster, limits));
        }
        let keys = SortKeys::new(roster, order, cancelled)?;
        let positions = [&self.after, &self.before]
            .map(|cursor| cursor.as_ref().map(|cursor| (cursor, Position::of(cursor, roster, order))));
        let sorted = match list {
            Some(list) => keys.sorted(list).into(),
            None => roster.orders().get_or_sort(order, roster.len(), || keys.sorted(&all(roster))),
        };
        let recorded = |cursor: &Cursor, include: fn(Ordering) -> bool| {
            sorted.partition_point(|index| include(compare(roster, order, *index, cursor)))
        };
        let up_to = |index: u32| sorted.partition_point(|other| keys.compare(*other, index).is_le());
        let [after, before] = positions;
        let start = after.map_or(0, |(cursor, position)| match position {
            Position::Unmoved(index) | Position::Behind(index) => up_to(index),
            Position::Recorded { .. } => recorded(cursor, Ordering::is_lt),
        });
        let end = before.map_or(sorted.len(), |(cursor, position)| match position {
            Position::Unmoved(index) => sorted.partition_point(|other| keys.compare(*other, index).is_lt()),
            Position::Behind(index) => up_to(index),
            Position::Recorded { was_first: true } => recorded(cursor, Ordering::is_lt),
            Position::Recorded { was_first: false } => recorded(cursor, Ordering::is_le),
        });
        let (start, end) = self.range(start, end, limits);
        let previous = start.checked_sub(1).map(|before| sorted[before]);
        Ok(Page { members: sorted[start..end].to_vec(), start, total: sorted.len(), previous })
    }

    fn slice_by_id(&self, list: Option<&[u32]>, roster: &Roster, limits: PageLimits) -> Page {
        let total = list.map_or(roster.len(), <[_]>::len);
        let compare = |index: u32, cursor: &Cursor| roster.member(index).id().cmp_plain(&cursor.id);
        let partition = |cursor: &Cursor, include: fn(Ordering) -> bool| match list {
            Some(list) => list.partition_point(|index| include(compare(*index, cursor))),
            None => roster.partition_point(|id| include(id.cmp_plain(&cursor.id))),
        };
        let start = self.after.as_ref().map_or(0, |cursor| partition(cursor, Ordering::is_le));
        let end = self.before.as_ref().map_or(total, |cursor| partition(cursor, Ordering::is_lt));
        let (start, end) = self.range(start, end, limits);
        let index = |n: usize| list.map_or_else(|| u32::try_from(n).unwrap_or(u32::MAX), |list| list[n]);
        Page { members: (start..end).map(index).collect(), start, total, previous: start.checked_sub(1).map(index) }
    }

    /// The range that the lengths leave of a list from `start` to `end`.
    fn range(&self, start: usize, end: usize, limits: PageLimits) -> (usize, usize) {
        let end = end.max(start);
        let length = |n: i32| usize::try_from(n).unwrap_or(0);
        match (self.first, self.last) {
            (_, Some(last)) => (start.max(end.saturating_sub(length(last))), end),
            (Some(first), None) => (start, end.min(start.saturating_add(length(first)))),
            (None, None) => (start, end.min(start.saturating_add(limits.default))),
        }
    }
}

/// The indexes of all members.
fn all(roster: &Roster) -> Vec<u32> {
    (0..).take(roster.len()).collect()
}

/// Where a cursor's position is in a roster that may be a later one.
enum Position {
    /// The cursor's member is here, and is sorted by what it was sorted by.
    Unmoved(u32),
    /// That member is not, but the one that was in front of it is.
    Behind(u32),
    /// Only what was recorded is left. Members that it cannot tell apart, because their names begin alike, are read again rather
    /// than left out.
    Recorded {
        /// Whether the cursor's member was the first of its list.
        was_first: bool,
    },
}

impl Position {
    fn of(cursor: &Cursor, roster: &Roster, order: &Order) -> Self {
        let own = roster.find(&cursor.id);
        let Some(neighbours) = cursor.neighbours else {
            let same = |(key, value): (&(OrderField, Direction), &Recorded)| {
                own.is_some_and(|own| record(key.0, roster, own) == *value)
            };
            return match own {
                Some(own) if order.keys().iter().zip(&cursor.recorded).all(same) => Self::Unmoved(own),
                _ => Self::Recorded { was_first: false },
            };
        };
        let hash = |index: u32| member_hash(roster.member(index), order);
        if let Some(own) = own.filter(|own| hash(*own) == neighbours.own) {
            return Self::Unmoved(own);
        }
        let Some(previous) = neighbours.previous else { return Self::Recorded { was_first: true } };
        let found = (0..)
            .take(roster.len())
            .find(|index| compare(roster, order, *index, cursor).is_le() && hash(*index) == previous);
        found.map_or(Self::Recorded { was_first: false }, Self::Behind)
    }
}

/// How a member compares with a cursor's recorded values. Equal means that it is the cursor's member, or that both names begin
/// alike and no more is known.
fn compare(roster: &Roster, order: &Order, index: u32, cursor: &Cursor) -> Ordering {
    for ((field, direction), recorded) in order.keys().iter().zip(&cursor.recorded) {
        let directed = |ordering: Ordering| match direction {
            Direction::Asc => ordering,
            Direction::Desc => ordering.reverse(),
        };
        let ordering = match (record(*field, roster, index), recorded) {
            (Recorded::Missing, Recorded::Missing) if *field == OrderField::Id => {
                directed(roster.member(index).id().cmp_plain(&cursor.id))
            }
            (Recorded::Missing, Recorded::Missing) => Ordering::Equal,
            (Recorded::Missing, _) => Ordering::Greater,
            (_, Recorded::Missing) => Ordering::Less,
            (Recorded::Number(own), Recorded::Number(other)) => directed(own.cmp(other)),
            (Recorded::Name(own), Recorded::Name(other)) => match own.cmp(other) {
                Ordering::Equal => return Ordering::Equal,
                ordering => directed(ordering),
            },
            // A cursor records a number for a number and a name for a name.
            _ => Ordering::Equal,
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    roster.member(index).id().cmp_plain(&cursor.id)
}
