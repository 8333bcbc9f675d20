//! One page of a sorted list, by Relay's rules: `first` after a cursor, or `last` before one.

use std::cmp::Ordering;

use super::{Cursor, Order, Roster};

/// What a page is asked for with; a missing length is the limit's default from the front.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageRequest {
    /// At most this many from the front.
    pub first: Option<i32>,
    /// Only what comes after this place.
    pub after: Option<Cursor>,
    /// At most this many from the end.
    pub last: Option<i32>,
    /// Only what comes before this place.
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

/// The page asked for cannot be.
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

/// A page: which members, and what lies around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Places of the members in the roster, in the order asked for.
    pub members: Vec<u32>,
    /// The rank of the first of them in the whole list, from 0.
    pub start: usize,
    /// How many members the whole list has.
    pub total: usize,
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

    /// Cuts the page out of `list`, which holds places in `roster` sorted by `order`.
    pub(super) fn cut(&self, mut list: Vec<u32>, roster: &Roster, order: &Order, limits: PageLimits) -> Page {
        let total = list.len();
        let place = |cursor: &Cursor, found: Ordering| place(cursor, found, &list, roster, order);
        let start = self.after.as_ref().map_or(0, |cursor| place(cursor, Ordering::Greater));
        let end = self.before.as_ref().map_or(total, |cursor| place(cursor, Ordering::Less));
        let end = end.max(start);

        let length = |n: i32| usize::try_from(n).unwrap_or(0);
        let (start, end) = match (self.first, self.last) {
            (_, Some(last)) => (start.max(end.saturating_sub(length(last))), end),
            (Some(first), None) => (start, end.min(start.saturating_add(length(first)))),
            (None, None) => (start, end.min(start.saturating_add(limits.default))),
        };
        list.truncate(end);
        list.drain(..start);
        Page { members: list, start, total }
    }
}

/// The number of members that lie before the cursor (`Less`), or up to and with it (`Greater`).
fn place(cursor: &Cursor, found: Ordering, list: &[u32], roster: &Roster, order: &Order) -> usize {
    match roster.find(&cursor.id) {
        // The member may have moved, or be filtered out; where it would stand is still certain.
        Some(known) => list.partition_point(|place| {
            let ordering = order.compare(roster.member(*place), roster.member(known));
            ordering.is_lt() || (ordering.is_eq() && found == Ordering::Greater)
        }),
        // By id that holds even for a member that has gone.
        None if order.is_by_id() => {
            list.partition_point(|place| roster.member(*place).id().cmp_plain(&cursor.id).is_lt())
        }
        // Otherwise its rank is the best that is known: what stood behind it has moved up to there.
        None => (cursor.rank as usize).min(list.len()),
    }
}
