//! A roster's members in the orders that were requested more than once. Clients that turn pages, and a list that many callers show,
//! request one order again and again: all members are sorted by it twice, and from then on a page is cut from what is kept.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::order::Order;

/// How many sorted lists are kept.
const KEPT: usize = 4;
/// How many orders are remembered, so that it is known which are asked for again.
const REMEMBERED: usize = 16;
/// Fewer members are sorted each time, which takes microseconds.
const LEAST: usize = 256;

/// The last orders, the latest in front.
#[derive(Default)]
pub(super) struct RecentOrders(Mutex<VecDeque<RecentOrder>>);

/// An order, with the indexes of all members in it where they are kept.
type RecentOrder = (Order, Option<Arc<Vec<u32>>>);

impl RecentOrders {
    /// The indexes of all members of a roster, of which there are so many, in this order: those that are kept, or what `sort`
    /// makes.
    pub(super) fn get_or_sort(&self, order: &Order, members: usize, sort: impl FnOnce() -> Vec<u32>) -> Arc<Vec<u32>> {
        if members < LEAST {
            return sort().into();
        }
        let is_first = match self.used(order) {
            Some(Some(sorted)) => return sorted,
            Some(None) => false,
            None => true,
        };
        let sorted = Arc::new(sort());
        if !is_first {
            self.keep(order, &sorted);
        }
        sorted
    }

    /// Whether the members are kept in this order.
    pub(super) fn has(&self, order: &Order) -> bool {
        self.0.lock().iter().any(|(known, sorted)| known == order && sorted.is_some())
    }

    /// What is remembered of an order, which is the latest from now on.
    fn used(&self, order: &Order) -> Option<Option<Arc<Vec<u32>>>> {
        let mut known = self.0.lock();
        let index = known.iter().position(|(known, _)| known == order);
        let entry = index.and_then(|index| known.remove(index));
        let sorted = entry.as_ref().map(|(_, sorted)| sorted.clone());
        known.truncate(REMEMBERED - 1);
        known.push_front(entry.unwrap_or_else(|| (order.clone(), None)));
        sorted
    }

    fn keep(&self, order: &Order, sorted: &Arc<Vec<u32>>) {
        let mut known = self.0.lock();
        if let Some((_, kept)) = known.iter_mut().find(|(known, _)| known == order) {
            *kept = Some(sorted.clone());
        }
        known
            .iter_mut()
            .filter_map(|(_, kept)| kept.is_some().then_some(kept))
            .skip(KEPT)
            .for_each(|kept| *kept = None);
    }
}

/// Room for what may be kept of a roster with so many members, in bytes.
pub(super) fn room(members: usize) -> usize {
    if members < LEAST { 0 } else { KEPT * members * size_of::<u32>() }
}
