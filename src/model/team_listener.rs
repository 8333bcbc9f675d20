//! The listener of teams: who is told when answers that were given of a team are no longer true.

use std::sync::Arc;

use super::{Account, Roster};

/// Is told of changes of teams. Must not block: a load waits for it.
pub trait TeamListener: Send + Sync {
    /// The account's team was read anew.
    fn read(&self, account: &Account, before: &Arc<Roster>, after: &Arc<Roster>);

    /// Earlier answers about the account's team may not be shown any more.
    fn withdrawn(&self, account: &Account);

    /// Earlier answers about any team may not be shown any more.
    fn all_withdrawn(&self);
}
