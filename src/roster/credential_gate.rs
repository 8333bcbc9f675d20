//! The credential gate: one load at a time with a credential that the upstream is not known to accept.
//!
//! The first load with such a credential probes, whatever account it is for; the others wait for its outcome. A refusal is
//! the answer for all of them (and is kept, see `negative_cache`); a team lets them go on side by side. Only an answer with a
//! team shows that a credential is accepted: an upstream may refuse an account before it looks at the token. A token that a
//! caller brings has to be accepted first; one that the server holds is taken for good until it is refused.
//! Invariant: all maps are bounded, and an accepted credential never waits for another one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ahash::RandomState;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::{Clock, Credential, CredentialId, ErrorKind, UpstreamError};
use crate::telemetry::Metrics;

/// Tokens known to be good; past it, the one that was accepted longest ago is forgotten.
const ACCEPTED_CAPACITY: u64 = 100_000;
/// Probes under way; past it, callers are told to come back.
const PROBES_LIMIT: usize = 10_000;
/// After how long.
const COME_BACK: Duration = Duration::from_secs(1);

pub(super) struct CredentialGate {
    accepted: moka::sync::Cache<CredentialId, Instant, RandomState>,
    /// Credentials of the server that the upstream does not accept, with the version of the secret.
    refused: Mutex<HashMap<CredentialId, u64, RandomState>>,
    probes: Mutex<HashMap<CredentialId, watch::Receiver<Option<ProbeOutcome>>>>,
    /// How long an acceptance holds: as long as a roster may be served.
    valid_for: Duration,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// The outcome of a probe.
#[derive(Clone)]
enum ProbeOutcome {
    /// The credential is accepted, or nothing was learnt: try.
    Try,
    /// It is refused, or the time for trying is over.
    Refused(UpstreamError),
}

/// How a load may go on.
pub(super) enum Admission {
    /// The credential is accepted.
    Open,
    /// This load finds out for all that wait.
    Probe(Probe),
}

/// A load that finds out. Dropped without an outcome, it lets the next one probe.
pub(super) struct Probe {
    gate: Arc<CredentialGate>,
    id: CredentialId,
    outcome: watch::Sender<Option<ProbeOutcome>>,
}

impl CredentialGate {
    pub(super) fn new(valid_for: Duration, clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self {
            accepted: moka::sync::Cache::builder()
                .max_capacity(ACCEPTED_CAPACITY)
                .build_with_hasher(RandomState::new()),
            refused: Mutex::default(),
            probes: Mutex::default(),
            valid_for,
            clock,
            metrics,
        }
    }

    /// Whether the upstream has accepted the credential. One that the server holds is the operator's choice, and always is.
    pub(super) fn has_accepted(&self, id: &CredentialId) -> bool {
        match id {
            CredentialId::Held(_) => true,
            CredentialId::Forwarded(_) => {
                self.accepted.get(id).is_some_and(|at| self.clock.now() - at < self.valid_for)
            }
        }
    }

    /// Admits a load with this credential, once it may start; or says why it may not.
    pub(super) async fn admit(self: &Arc<Self>, id: &CredentialId) -> Result<Admission, UpstreamError> {
        loop {
            if self.has_accepted(id) && !self.refused.lock().contains_key(id) {
                return Ok(Admission::Open);
            }
            let mut probe = {
                let mut probes = self.probes.lock();
                match probes.get(id) {
                    Some(probe) => probe.clone(),
                    None if probes.len() >= PROBES_LIMIT => return Err(ErrorKind::RateLimited(COME_BACK).into()),
                    None => {
                        let (outcome, waiting) = watch::channel(None);
                        probes.insert(id.clone(), waiting);
                        return Ok(Admission::Probe(Probe { gate: self.clone(), id: id.clone(), outcome }));
                    }
                }
            };
            let outcome = probe.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
            if let Some(ProbeOutcome::Refused(error)) = outcome {
                return Err(error);
            }
        }
    }

    /// Takes in what the upstream's answer to a load says about its credential.
    pub(super) fn record(&self, credential: &Credential, failed: Option<&UpstreamError>) {
        let (id, secret) = (credential.id(), credential.version());
        match (id, failed.map(UpstreamError::kind)) {
            (CredentialId::Forwarded(_), None) => self.accepted.insert(id.clone(), self.clock.now()),
            (CredentialId::Forwarded(_), Some(ErrorKind::Unauthenticated)) => self.accepted.invalidate(id),
            (CredentialId::Held(_), None) => {
                let mut refused = self.refused.lock();
                if refused.get(id).is_some_and(|version| *version <= secret) {
                    refused.remove(id);
                    self.metrics.credential_refused(false);
                    tracing::info!("the upstream accepts the server's credential again");
                }
            }
            (CredentialId::Held(_), Some(ErrorKind::Unauthenticated)) => {
                let mut refused = self.refused.lock();
                let known = refused.get(id).copied();
                if known.is_none_or(|version| version < secret) {
                    refused.insert(id.clone(), secret);
                    self.metrics.credential_refused(true);
                    tracing::error!(
                        "the upstream does not accept the server's credential: rosters are served marked stale; replace \
                         the token"
                    );
                }
            }
            _ => {}
        }
    }
}

impl Admission {
    /// Tells the loads that wait what the upstream said.
    pub(super) fn finish(self, failed: Option<&UpstreamError>) {
        let Self::Probe(probe) = self else { return };
        let outcome = match failed {
            // The others have waited as long as a time-out takes.
            Some(error) if matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Timeout) => {
                ProbeOutcome::Refused(error.clone())
            }
            _ => ProbeOutcome::Try,
        };
        // Off the list first, so that no load finds a probe that is over.
        probe.gate.probes.lock().remove(&probe.id);
        probe.outcome.send_replace(Some(outcome));
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if self.outcome.borrow().is_none() {
            self.gate.probes.lock().remove(&self.id);
        }
    }
}
