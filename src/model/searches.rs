//! The results of a roster's last searches. The lists of an operation, and those of a person who types or turns pages,
//! often look for one text; it is looked for in the whole team once, and each list takes its part.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

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
    pub(super) fn get(&self, search: &SearchText) -> Option<Arc<MemberSet>> {
        self.0.lock().iter().find(|(known, _)| known == search).map(|(_, found)| found.clone())
    }

    /// Looks through these columns of so many members, and keeps what is found.
    pub(super) fn find(
        &self,
        search: &SearchText,
        columns: &[(&FoldedColumn, &Needle)],
        members: usize,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Arc<MemberSet>, Cancelled> {
        let mut found = MemberSet::none(members);
        for (column, needle) in columns {
            for first in (0..members).step_by(STRIDE) {
                if cancelled() {
                    return Err(Cancelled);
                }
                let end = members.min(first + STRIDE);
                column.scan(needle, first, end, |index| found.insert(u32::try_from(index).unwrap_or(u32::MAX)));
            }
        }
        let found = Arc::new(found);
        let mut kept = self.0.lock();
        kept.truncate(KEPT - 1);
        kept.push_front((search.clone(), found.clone()));
        Ok(found)
    }
}
