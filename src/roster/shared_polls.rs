//! Polls over replicas: of those that listen to a team one reads it and the others take what it has published, and all polls of
//! a plan follow each other at a distance, so that no window has more of them than `live.budget_ratio` allows.
//!
//! A poller that is due claims its team, waits for its place in the line of the plan, and reads. The claim of a replica that is
//! killed ends by itself, and another one polls. Claim and line share a part of the plan out; what guards the plan is the ledger.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::second_level::{SecondLevel, account};
use crate::cluster::Claim;
use crate::model::{Grant, RefreshPlan};

/// How often it is looked for what another replica reads, as a part of the interval, at least and at most.
const LOOK: f64 = 0.1;
const LOOKS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The longest time for which a claim is made, and renewed: so long a team goes without a poller that was killed.
const CLAIM_LIMIT: Duration = Duration::from_secs(5);

/// How far polls of a team are apart that takes so many calls, where all polls may spend this part of the plan: so far that no
/// window has a call too many although one poll is started a little late.
pub(super) fn polls_apart(plan: &RefreshPlan, ratio: f64, calls: u32) -> Duration {
    let (limit, calls) = ((f64::from(plan.calls) * ratio).floor().max(1.0), f64::from(calls.max(1)));
    plan.window.mul_f64(calls / (limit - calls).max(limit / 2.0))
}

impl SecondLevel {
    /// Waits until it is this replica's turn to poll, and returns its claim; `None` where another one has published what began to
    /// be read at `oldest` or later, or where the tier is away.
    pub(super) async fn poll_turn(
        &self,
        grant: &Grant,
        plan: &RefreshPlan,
        apart: Duration,
        oldest: Instant,
        interval: Duration,
    ) -> Option<Claim> {
        let names = self.cluster.values.names();
        let account = account(grant);
        let (claim_name, roster) = (names.of("poll", &account), names.of("roster", &account));
        let claim = loop {
            if self.is_published(&roster, oldest).await {
                return None;
            }
            match self.cluster.values.claim(&claim_name, self.poll_claim_time(interval)).await {
                Ok(Some(claim)) => break claim,
                Ok(None) => sleep(interval.mul_f64(LOOK).clamp(LOOKS.0, LOOKS.1)).await,
                Err(_) => return None,
            }
        };
        let line = if plan.shared {
            names.single("poll-line")
        } else {
            names.of("poll-line", &grant.key().credential.parts())
        };
        // Without a place there is no tier, and so no lease.
        if let Ok(place) = self.cluster.pacing.next(&line, apart).await {
            self.holding(Some(&claim), self.poll_claim_time(interval), sleep_until(place)).await;
        }
        Some(claim)
    }

    /// The team has been read: its claim ends by itself when the others have had time to see what was published, and before the
    /// next poll is due.
    pub(super) fn polled(self: &Arc<Self>, claim: Option<Claim>, interval: Duration) {
        let Some(claim) = claim else { return };
        let second = self.clone();
        #[expect(clippy::disallowed_methods, reason = "one for a poll, and it ends with the tier's timeout")]
        tokio::spawn(async move {
            second.cluster.values.renew(&claim, (interval / 2).min(second.claim_time)).await;
        });
    }

    /// How long a claim to poll holds unless it is renewed: the longer, the less a team is read anyway.
    pub(super) fn poll_claim_time(&self, interval: Duration) -> Duration {
        (interval / 4).clamp(self.claim_time, CLAIM_LIMIT.max(self.claim_time))
    }

    async fn is_published(&self, roster: &str, oldest: Instant) -> bool {
        let Ok(Some(left)) = self.cluster.values.lives(roster).await else { return false };
        let began = self.clock.now().checked_sub(self.max_age.saturating_sub(left));
        began.is_some_and(|began| began >= oldest)
    }
}
