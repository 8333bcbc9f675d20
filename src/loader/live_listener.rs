//! Listening to a team that changes: a request's hold on the feed of its roster.

use tokio::time::Instant;

use crate::model::LiveTeam;
use crate::roster::{Listener, Watcher};

/// Keeps one team read until it is dropped.
pub struct LiveListener(pub(super) Listener);

/// Sees the states of a team as long as others listen to it.
pub struct LiveWatcher(Watcher);

impl LiveListener {
    /// A look at the team's states, which is no listener itself.
    #[must_use]
    pub fn watcher(&self) -> LiveWatcher {
        LiveWatcher(self.0.watcher())
    }

    /// Whether the operator has withdrawn what began to be read then.
    #[must_use]
    pub fn is_withdrawn(&self, read_at: Instant) -> bool {
        self.0.is_withdrawn(read_at)
    }

    /// Which feed it listens to. One that ended and began again is another.
    #[must_use]
    pub fn feed(&self) -> u64 {
        self.0.feed()
    }
}

impl LiveWatcher {
    /// The next state: the current one at first, and the newest whenever there were several since the last.
    pub async fn next(&mut self) -> LiveTeam {
        self.0.next().await
    }

    /// As for [`LiveListener::is_withdrawn`].
    #[must_use]
    pub fn is_withdrawn(&self, read_at: Instant) -> bool {
        self.0.is_withdrawn(read_at)
    }
}
