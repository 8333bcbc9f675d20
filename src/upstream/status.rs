//! The status of the guarded upstream, for the status page: the reasons why calls wait, and the spending of callers.

use tokio::time::Instant;

use super::guarded::GuardedUpstream;
use crate::model::{Pause, PauseReason, UpstreamStatus};

impl GuardedUpstream {
    /// Why calls are not made now, and who has made them.
    pub(super) fn tell(&self) -> UpstreamStatus {
        let now = self.clock.now();
        let [(one, first), (other, second)] = [&self.permits, &self.unaccepted_permits].map(|permits| permits.load());
        let mut status =
            UpstreamStatus { in_flight: one + other, waiting: first + second, ..UpstreamStatus::default() };
        let mut pause = |reason, until: Option<Instant>| {
            let left = until.map(|until| until.saturating_duration_since(now));
            status.pauses.extend(left.map(|left| Pause { reason, credential: None, left }));
        };
        pause(PauseReason::Breaker, self.breaker.as_ref().and_then(|breaker| breaker.next_probe()));
        pause(PauseReason::Unavailable, self.host_pause.lock().until(now));
        self.budget.tell(&mut status);
        status
    }
}
