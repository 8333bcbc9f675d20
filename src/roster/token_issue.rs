//! Issuing permanent tokens: the one upstream call that reads no roster. It passes the credential gate like a load, so that new
//! tokens of callers are tried one at a time, and what the answer says of the credential counts for its rosters as well.
//!
//! Invariant: a request for a token costs at most one call, and its answer is kept nowhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::time::Instant;

use super::loads::Loads;
use crate::compute::on_workers;
use crate::model::{ErrorKind, Grant, PermanentToken, UpstreamError};
use crate::telemetry::TaskContext;
use crate::upstream::{Load, LoadObserver, Need};

/// A permanent token, or why there is none.
#[derive(Debug)]
pub struct IssuedToken {
    /// The upstream's answer.
    pub result: Result<PermanentToken, UpstreamError>,
    /// How many calls were made: at most one.
    pub calls: u32,
}

/// Counts the call.
#[derive(Default)]
struct CallCounter(AtomicU32);

impl LoadObserver for CallCounter {
    fn before_call(&self) -> Result<(), UpstreamError> {
        Ok(())
    }

    fn called(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl Loads {
    /// Has a permanent token issued for the grant's account, where the call can be over by `deadline`.
    pub(super) async fn issue_token(self: &Arc<Self>, grant: &Grant, deadline: Instant) -> IssuedToken {
        let (loads, grant) = (self.clone(), grant.clone());
        let issue = async move {
            let observer = CallCounter::default();
            let result = loads.admitted_token(&grant, deadline, &observer).await;
            IssuedToken { result, calls: observer.0.into_inner() }
        };
        on_workers(TaskContext::current().scope(issue)).await
    }

    async fn admitted_token(
        &self,
        grant: &Grant,
        deadline: Instant,
        observer: &CallCounter,
    ) -> Result<PermanentToken, UpstreamError> {
        let credential = &grant.caller().credential;
        if let Some(refused) = self.negative_cache.get_credential(credential, self.clock.now()) {
            return Err(refused);
        }
        let admission = self.gate.admit(credential.id()).await?;
        let accepted = self.gate.has_accepted(credential.id());
        let load = Load { grant, need: Need::Missing, accepted, deadline, observer };
        let issued = self.upstream.issue_token(load).await;
        if observer.0.load(Ordering::Acquire) > 0 {
            self.gate.record(credential, issued.as_ref().err());
            // What else was refused says nothing about the account's roster.
            if let Err(error) = &issued
                && error.kind() == ErrorKind::Unauthenticated
            {
                self.negative_cache.insert(grant, error, self.clock.now());
                self.drop_refused(grant, error);
            }
        }
        admission.finish(issued.as_ref().err());
        issued
    }
}
