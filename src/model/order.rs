//! Sort orders: keys, most significant first. Missing values come last in both directions, and ties are broken by id.

use super::names::{Direction, OrderField};

/// A sort order; empty is the default, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Order {
    keys: Vec<(OrderField, Direction)>,
    /// Of the keys, for cursors.
    hash: u32,
}

impl Order {
    /// Sorts by `keys`, most significant first. Keys that cannot matter are left out, so that equal orders are equal values.
    #[must_use]
    pub fn new(keys: Vec<(OrderField, Direction)>) -> Self {
        let mut needed: Vec<(OrderField, Direction)> = Vec::new();
        for (field, direction) in keys {
            // A field decides once: members that are equal in it are equal in it again.
            if needed.iter().all(|(known, _)| *known != field) {
                needed.push((field, direction));
            }
            // Ids are unique: no key behind one can matter, and every order ends with ascending ids anyway.
            if field == OrderField::Id {
                if direction == Direction::Asc {
                    needed.pop();
                }
                break;
            }
        }
        let mut hasher = crc32fast::Hasher::new();
        needed.iter().for_each(|&(field, direction)| hasher.update(&[field as u8, direction as u8]));
        Self { keys: needed, hash: hasher.finalize() }
    }

    /// Whether this is the default order, in which a roster keeps its members.
    #[must_use]
    pub fn is_by_id(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys are compared at most.
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn keys(&self) -> &[(OrderField, Direction)] {
        &self.keys
    }

    pub(super) fn has_name(&self) -> bool {
        self.keys.iter().any(|(field, _)| *field == OrderField::Name)
    }

    /// The order in 32 bits, the same in every process.
    pub(super) fn hash32(&self) -> u32 {
        self.hash
    }
}
