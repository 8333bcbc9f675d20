//! How a list is sorted: keys in turn, nulls last in both directions, ties by id.

use std::cmp::Ordering;

use super::TeamMember;

/// What to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderField {
    /// The name, case-insensitively, then by code point.
    Name,
    /// ACTIVE before INACTIVE.
    Status,
    /// ONLINE before OFFLINE.
    LiveAvailability,
    /// AGENT, CUSTOM_USER, CUSTOMER.
    Type,
    /// The number of unread messages.
    UnreadMessages,
    /// When the member was created.
    CreatedAt,
    /// When the member was last changed.
    UpdatedAt,
    /// The identifier, by code point.
    Id,
}

/// Which way to sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// A sort order; empty is the default, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Order(Vec<(OrderField, Direction)>);

impl Order {
    /// Sorts by `keys` in turn.
    #[must_use]
    pub fn new(mut keys: Vec<(OrderField, Direction)>) -> Self {
        // Ids are unique: nothing after one can matter, and ascending ids are what every order ends with.
        if let Some(id) = keys.iter().position(|(field, _)| *field == OrderField::Id) {
            keys.truncate(id + 1);
            if keys[id].1 == Direction::Asc {
                keys.pop();
            }
        }
        Self(keys)
    }

    /// Whether this is the default order, in which a roster keeps its members.
    #[must_use]
    pub fn is_by_id(&self) -> bool {
        self.0.is_empty()
    }

    /// Which of two members comes first.
    #[must_use]
    pub fn compare(&self, a: TeamMember<'_>, b: TeamMember<'_>) -> Ordering {
        self.0
            .iter()
            .map(|&(field, direction)| field.compare(a, b, direction))
            .find(|ordering| ordering.is_ne())
            .unwrap_or_else(|| a.id().cmp(&b.id()))
    }

    /// The order as bytes: equal for equal orders, different for different ones.
    #[must_use]
    pub fn fingerprint(&self) -> Vec<u8> {
        self.0.iter().flat_map(|&(field, direction)| [field as u8, direction as u8]).collect()
    }
}

impl OrderField {
    fn compare(self, a: TeamMember<'_>, b: TeamMember<'_>, direction: Direction) -> Ordering {
        match self {
            // The written names break the tie of the folded ones.
            Self::Name => nulls_last(a.folded_name(), b.folded_name(), direction)
                .then_with(|| nulls_last(a.name(), b.name(), direction)),
            Self::Status => nulls_last(a.status(), b.status(), direction),
            Self::LiveAvailability => nulls_last(a.live_availability(), b.live_availability(), direction),
            Self::Type => nulls_last(a.user_type(), b.user_type(), direction),
            Self::UnreadMessages => nulls_last(a.unread_messages(), b.unread_messages(), direction),
            Self::CreatedAt => nulls_last(a.created_at(), b.created_at(), direction),
            Self::UpdatedAt => nulls_last(a.updated_at(), b.updated_at(), direction),
            Self::Id => directed(a.id().cmp(&b.id()), direction),
        }
    }
}

fn nulls_last<T: Ord>(a: Option<T>, b: Option<T>, direction: Direction) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => directed(a.cmp(&b), direction),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn directed(ordering: Ordering, direction: Direction) -> Ordering {
    match direction {
        Direction::Asc => ordering,
        Direction::Desc => ordering.reverse(),
    }
}
