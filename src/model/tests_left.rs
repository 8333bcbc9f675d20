//! What is left to do to find a list's members, where a roster has worked out the rest of it for questions before.

use super::filter::FilterField;
use super::{Filter, Order, Roster};

impl Roster {
    /// How many tests of a member's rank, or of its bit, find the members that meet `filter` in this order. `None` where more than
    /// that is left: an index to be made, texts to be scanned, or members to be sorted.
    #[must_use]
    pub fn tests_left(&self, filter: Option<&Filter>, order: &Order) -> Option<usize> {
        let is_sorted = order.is_by_id() || filter.is_none() && self.indexes().orders.has(order);
        let tests = filter.map_or(Some(0), |filter| self.tests_of(filter));
        tests.filter(|_| is_sorted)
    }

    fn tests_of(&self, filter: &Filter) -> Option<usize> {
        let known = self.indexes();
        let is_made = match filter {
            Filter::And(filters) | Filter::Or(filters) => {
                return filters.iter().map(|filter| self.tests_of(filter)).sum();
            }
            Filter::Not(filter) => return self.tests_of(filter),
            Filter::Type(_) => known.type_ranks.is_made(),
            Filter::Status(_) => known.status_ranks.is_made(),
            Filter::LiveAvailability(_) => known.live_ranks.is_made(),
            Filter::LeadsVisibility(_) => known.leads_ranks.is_made(),
            Filter::Whitelabel(_) => known.whitelabel_ranks.is_made(),
            Filter::UnreadMessages(_) | Filter::Missing(FilterField::UnreadMessages) => known.unread_ranks.is_made(),
            Filter::CreatedAt(_) | Filter::Missing(FilterField::CreatedAt) => known.created_ranks.is_made(),
            Filter::UpdatedAt(_) | Filter::Missing(FilterField::UpdatedAt) => known.updated_ranks.is_made(),
            Filter::Missing(FilterField::RoleId) => known.role_ranks.is_made(),
            Filter::Search(search) => known.searches.get(search).is_some(),
            Filter::Id(_)
            | Filter::RoleId(_)
            | Filter::Name(_)
            | Filter::Email(_)
            | Filter::Missing(FilterField::Name | FilterField::Email) => false,
        };
        is_made.then(|| self.len())
    }
}
