//! The claim to probe: while the host is down, one replica at a time finds out whether it is back, as often as one process would.
//!
//! It lives in the tier for as long as a probe may take and, after one that failed, until the next is due. It saves a broken host
//! some calls and guards nothing: where the tier is away, every replica probes for itself.

use std::sync::Arc;
use std::time::Duration;

use super::budget::Budget;
use crate::cluster::{Claim, SharedValues};

/// The right to probe, as far as other replicas heed it. Dropped, it is given back, or kept from all for a while.
#[derive(Default)]
pub(in crate::upstream) struct ProbeClaim {
    held: Option<(Arc<SharedValues>, Claim)>,
    /// For how long no replica probes again.
    pause: Duration,
}

impl Budget {
    /// Claims a probe that takes at most so long; `None` where another replica makes one, or has just made one in vain.
    pub(in crate::upstream) async fn claim_probe(&self, longest: Duration) -> Option<ProbeClaim> {
        let Some(cluster) = &self.cluster else { return Some(ProbeClaim::default()) };
        let values = &cluster.values;
        let held = match values.claim(&values.names().single("probe"), longest).await {
            Ok(claim) => Some((values.clone(), claim?)),
            Err(_) => None,
        };
        Some(ProbeClaim { held, ..ProbeClaim::default() })
    }
}

impl ProbeClaim {
    /// The probe has failed, and the next one is due after so long.
    pub(in crate::upstream) fn failed(mut self, pause: Duration) {
        self.pause = pause;
    }
}

impl Drop for ProbeClaim {
    fn drop(&mut self) {
        let (Some((values, claim)), Ok(runtime)) = (self.held.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let pause = self.pause;
        #[expect(clippy::disallowed_methods, reason = "one for a probe, and it ends with the tier's timeout")]
        runtime.spawn(async move {
            if pause.is_zero() {
                values.release(&claim).await;
            } else {
                values.renew(&claim, pause).await;
            }
        });
    }
}
