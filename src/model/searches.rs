//! What a roster's last searches found. The lists of an operation, and those of a person who types or turns pages, often look for
//! one text; it is looked for in the whole team once, and each list takes its part.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Roster;
use super::cancellation::Cancelled;
use super::filter::SearchText;
use super::folded_text::{FoldedColumn, Needle};
use super::member_set::MemberSet;

/// How many searches are kept: a bit of each member for each.
pub(super) const KEPT: usize = 8;
/// How many members are looked through between two looks at whether the request is still wanted.
const STRIDE: usize = 1024;

/// The last searches, the latest in front.
#[derive(Default)]
pub(super) struct Searches(Mutex<VecDeque<(SearchText, Arc<MemberSet>)>>);

impl Searches {
    fn get(&self, search: &SearchText) -> Option<Arc<MemberSet>> {
        self.0.lock().iter().find(|(known, _)| known == search).map(|(_, found)| found.clone())
    }

    fn keep(&self, search: SearchText, found: Arc<MemberSet>) {
        let mut kept = self.0.lock();
        kept.truncate(KEPT - 1);
        kept.push_front((search, found));
    }
}

impl Roster {
    /// The members that a search finds in the whole team.
    pub(super) fn search(
        &self,
        search: &SearchText,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Arc<MemberSet>, Cancelled> {
        if let Some(found) = self.searches().get(search) {
            return Ok(found);
        }
        let mut found = MemberSet::none(self);
        for (column, needle) in search.columns(self, cancelled)? {
            for first in (0..self.len()).step_by(STRIDE) {
                if cancelled() {
                    return Err(Cancelled);
                }
                let end = self.len().min(first + STRIDE);
                column.scan(needle, first, end, |index| found.insert(u32::try_from(index).unwrap_or(u32::MAX)));
            }
        }
        let found = Arc::new(found);
        self.searches().keep(search.clone(), found.clone());
        Ok(found)
    }
}

impl SearchText {
    /// The columns that are looked through, and for what.
    pub(super) fn columns<'f, 'r>(
        &'f self,
        roster: &'r Roster,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<(&'r FoldedColumn, &'f Needle)>, Cancelled> {
        let mut columns = Vec::new();
        if !self.needle.is_empty() {
            columns.push((roster.index(|known| &known.names, cancelled)?, &self.needle));
            if self.contact {
                columns.push((roster.index(|known| &known.emails, cancelled)?, &self.needle));
            }
        }
        for needle in &self.phone_needles {
            columns.push((roster.index(|known| &known.phones, cancelled)?, needle));
        }
        Ok(columns)
    }
}
