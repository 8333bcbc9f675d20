//! CredentialGate: tokens that callers bring and that the upstream has not accepted yet.
//!
//! Until it has said yes, one load at a time goes upstream with such a token, whatever accounts are asked for: the first
//! decides, the others wait for its outcome. A no is everybody's no (and is remembered, see `negative_cache`); a yes lets all of
//! them go on side by side. A credential that the server holds is never a newcomer.
//! Invariant: both maps are bounded, and a token that has been accepted is never held up by one that has not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::CredentialId;
use crate::model::{ErrorKind, UpstreamError};

/// Tokens known to be good; more push out whoever was not accepted anew for the longest time.
const ACCEPTED_LIMIT: u64 = 100_000;
/// Tokens being tried at one time; with more, the next is told to come back.
const PROBES_LIMIT: usize = 10_000;
/// After how long, then.
const COME_BACK: Duration = Duration::from_secs(1);

pub(super) struct CredentialGate {
    accepted: moka::sync::Cache<CredentialId, Instant>,
    probes: Mutex<HashMap<CredentialId, watch::Receiver<Option<ProbeOutcome>>>>,
    /// How long an acceptance holds: as long as a roster may be served.
    good_for: Duration,
}

/// What became of the first load.
#[derive(Clone)]
enum ProbeOutcome {
    /// The token is good, or nothing was learnt: ask.
    Ask,
    /// It is not, or the time for asking is over.
    Refused(UpstreamError),
}

/// A load's admission: with it, it may go upstream.
pub(super) enum Admission {
    /// The token is known to be good.
    Known,
    /// The load decides for all that wait.
    First(Probe),
}

/// A load that decides. Dropped without a outcome, it lets the next one decide.
pub(super) struct Probe {
    credential_gate: Arc<CredentialGate>,
    id: CredentialId,
    outcome: watch::Sender<Option<ProbeOutcome>>,
}

impl CredentialGate {
    pub(super) fn new(good_for: Duration) -> Self {
        Self { accepted: moka::sync::Cache::new(ACCEPTED_LIMIT), probes: Mutex::default(), good_for }
    }

    /// Whether the upstream has accepted the credential.
    pub(super) fn has_accepted(&self, id: &CredentialId) -> bool {
        match id {
            CredentialId::Held(_) => true,
            CredentialId::Forwarded(_) => self.accepted.get(id).is_some_and(|at| at.elapsed() < self.good_for),
        }
    }

    /// The admission of a load with this credential, once it is; or why it has none.
    pub(super) async fn admission(self: &Arc<Self>, id: &CredentialId) -> Result<Admission, UpstreamError> {
        loop {
            if self.has_accepted(id) {
                return Ok(Admission::Known);
            }
            let mut probe = {
                let mut probes = self.probes();
                match probes.get(id) {
                    Some(probe) => probe.clone(),
                    None if probes.len() >= PROBES_LIMIT => return Err(ErrorKind::RateLimited(COME_BACK).into()),
                    None => {
                        let (outcome, waiting) = watch::channel(None);
                        probes.insert(id.clone(), waiting);
                        return Ok(Admission::First(Probe { credential_gate: self.clone(), id: id.clone(), outcome }));
                    }
                }
            };
            let outcome = probe.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
            if let Some(ProbeOutcome::Refused(error)) = outcome {
                return Err(error);
            }
        }
    }

    fn probes(&self) -> MutexGuard<'_, HashMap<CredentialId, watch::Receiver<Option<ProbeOutcome>>>> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// Tells everybody what the upstream said.
    pub(super) fn end(
        self,
        credential_gate: &CredentialGate,
        id: &CredentialId,
        failed: Option<&UpstreamError>,
        calls: u32,
    ) {
        let outcome = match failed.map(UpstreamError::kind) {
            Some(ErrorKind::Unauthenticated) => {
                credential_gate.accepted.invalidate(id);
                failed.cloned().map_or(ProbeOutcome::Ask, ProbeOutcome::Refused)
            }
            // Whoever waits has waited as long.
            Some(ErrorKind::Timeout) => failed.cloned().map_or(ProbeOutcome::Ask, ProbeOutcome::Refused),
            Some(
                ErrorKind::Unavailable | ErrorKind::BadResponse(_) | ErrorKind::RateLimited(_) | ErrorKind::Internal,
            ) => ProbeOutcome::Ask,
            // It spoke of the account: it knows the token.
            None | Some(ErrorKind::Rejected(_) | ErrorKind::Forbidden) => {
                if calls > 0 && matches!(id, CredentialId::Forwarded(_)) {
                    credential_gate.accepted.insert(id.clone(), Instant::now());
                }
                ProbeOutcome::Ask
            }
        };
        if let Self::First(probe) = self {
            // Off the list first, so that nobody finds a probe that is over.
            credential_gate.probes().remove(id);
            probe.outcome.send_replace(Some(outcome));
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if self.outcome.borrow().is_none() {
            self.credential_gate.probes().remove(&self.id);
        }
    }
}
