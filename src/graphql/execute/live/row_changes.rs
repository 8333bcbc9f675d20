//! What has changed in a team from one snapshot to the next, row by row: worked out once for all selections that show changes of it.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::graphql::execute::changes::MemberChanges;
use crate::model::{Cancellation, Cancelled, Roster, SnapshotId};

/// How many pairs of snapshots are remembered: the selections of a team look at one soon after the other.
const KEPT: usize = 16;

/// Changes that were worked out last. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub(super) struct RowChanges(Arc<Mutex<VecDeque<ChangesOfPair>>>);

type ChangesOfPair = ((SnapshotId, SnapshotId), Arc<MemberChanges>);

impl RowChanges {
    pub(super) fn between(
        &self,
        before: &Roster,
        now: &Roster,
        cancellation: &Cancellation,
    ) -> Result<Arc<MemberChanges>, Cancelled> {
        let pair = (before.id(), now.id());
        if pair.0 == pair.1 {
            return Ok(Arc::default());
        }
        if let Some((_, changes)) = self.0.lock().iter().find(|(known, _)| *known == pair) {
            return Ok(changes.clone());
        }
        let mut rows = cancellation.rows();
        let changes = MemberChanges::between(before, now, |old, new| {
            rows.next_row()?;
            Ok(before.member(old) != now.member(new))
        })?;
        let changes = Arc::new(changes);
        let mut kept = self.0.lock();
        kept.truncate(KEPT - 1);
        kept.push_front((pair, changes.clone()));
        Ok(changes)
    }
}
