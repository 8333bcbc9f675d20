//! Newcomers: tokens that callers bring and that the upstream has not accepted yet.
//!
//! Until it has said yes, one load at a time goes upstream with such a token, whatever accounts are asked for: the first
//! decides, the others wait for its verdict. A no is everybody's no (and is remembered, see `failures`); a yes lets all of
//! them go on side by side. A credential that the server holds is never a newcomer.
//! Invariant: both maps are bounded, and a token that has been accepted is never held up by one that has not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::CredentialId;
use crate::upstream::{Error, Kind};

/// Tokens known to be good; more push out whoever was not accepted anew for the longest time.
const ACCEPTED_LIMIT: u64 = 100_000;
/// Tokens being tried at one time; with more, the next is told to come back.
const TRIALS_LIMIT: usize = 10_000;
/// After how long, then.
const COME_BACK: Duration = Duration::from_secs(1);

pub(super) struct Newcomers {
    accepted: moka::sync::Cache<CredentialId, Instant>,
    trials: Mutex<HashMap<CredentialId, watch::Receiver<Option<Verdict>>>>,
    /// How long an acceptance holds: as long as a roster may be served.
    good_for: Duration,
}

/// What became of the first load.
#[derive(Clone)]
enum Verdict {
    /// The token is good, or nothing was learnt: ask.
    Ask,
    /// It is not, or the time for asking is over.
    Refused(Error),
}

/// A load's turn: with it, it may go upstream.
pub(super) enum Turn {
    /// The token is known to be good.
    Known,
    /// The load decides for all that wait.
    First(Trial),
}

/// A load that decides. Dropped without a verdict, it lets the next one decide.
pub(super) struct Trial {
    newcomers: Arc<Newcomers>,
    id: CredentialId,
    verdict: watch::Sender<Option<Verdict>>,
}

impl Newcomers {
    pub(super) fn new(good_for: Duration) -> Self {
        Self { accepted: moka::sync::Cache::new(ACCEPTED_LIMIT), trials: Mutex::default(), good_for }
    }

    /// Whether the upstream has accepted the credential.
    pub(super) fn has_accepted(&self, id: &CredentialId) -> bool {
        match id {
            CredentialId::Held(_) => true,
            CredentialId::Forwarded(_) => self.accepted.get(id).is_some_and(|at| at.elapsed() < self.good_for),
        }
    }

    /// The turn of a load with this credential, once it is; or why it has none.
    pub(super) async fn turn(self: &Arc<Self>, id: &CredentialId) -> Result<Turn, Error> {
        loop {
            if self.has_accepted(id) {
                return Ok(Turn::Known);
            }
            let mut trial = {
                let mut trials = self.trials();
                match trials.get(id) {
                    Some(trial) => trial.clone(),
                    None if trials.len() >= TRIALS_LIMIT => return Err(Kind::RateLimited(COME_BACK).into()),
                    None => {
                        let (verdict, waiting) = watch::channel(None);
                        trials.insert(id.clone(), waiting);
                        return Ok(Turn::First(Trial { newcomers: self.clone(), id: id.clone(), verdict }));
                    }
                }
            };
            let verdict = trial.wait_for(Option::is_some).await.ok().and_then(|verdict| verdict.clone());
            if let Some(Verdict::Refused(error)) = verdict {
                return Err(error);
            }
        }
    }

    fn trials(&self) -> MutexGuard<'_, HashMap<CredentialId, watch::Receiver<Option<Verdict>>>> {
        self.trials.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Tells everybody what the upstream said.
    pub(super) fn end(self, newcomers: &Newcomers, id: &CredentialId, failed: Option<&Error>, calls: u32) {
        let verdict = match failed.map(Error::kind) {
            Some(Kind::Unauthenticated) => {
                newcomers.accepted.invalidate(id);
                failed.cloned().map_or(Verdict::Ask, Verdict::Refused)
            }
            // Whoever waits has waited as long.
            Some(Kind::Timeout) => failed.cloned().map_or(Verdict::Ask, Verdict::Refused),
            Some(Kind::Unavailable | Kind::BadResponse(_) | Kind::RateLimited(_) | Kind::Internal) => Verdict::Ask,
            // It spoke of the account: it knows the token.
            None | Some(Kind::Rejected(_) | Kind::Forbidden) => {
                if calls > 0 && matches!(id, CredentialId::Forwarded(_)) {
                    newcomers.accepted.insert(id.clone(), Instant::now());
                }
                Verdict::Ask
            }
        };
        if let Self::First(trial) = self {
            // Off the list first, so that nobody finds a trial that is over.
            newcomers.trials().remove(id);
            trial.verdict.send_replace(Some(verdict));
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if self.verdict.borrow().is_none() {
            self.newcomers.trials().remove(&self.id);
        }
    }
}
