//! The interface of the stage: what `roster` asks of the upstream, and what the upstream asks of an endpoint.

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::decode::RowPage;
use super::transport::RateLimit;
use crate::model::{
    Account, BudgetShare, Caller, Credential, CredentialId, ErrorKind, Grant, PermanentToken, PlanRoom, Pressure,
    RefreshPlan, Roster, UpstreamError, UpstreamStatus,
};
use crate::telemetry::TraceContext;

/// One call to the endpoint: the real one, or a test's own in memory.
pub trait Endpoint: Send + Sync + 'static {
    /// Asks for an account's list, or for one page of it. The caller sets the deadline.
    fn call<'a>(&'a self, account: &'a Account, credential: &'a Credential, page: Option<u32>)
    -> BoxFuture<'a, Called>;

    /// Has a permanent token issued for an account. The caller sets the deadline.
    fn issue_token<'a>(
        &'a self,
        _account: &'a Account,
        _credential: &'a Credential,
    ) -> BoxFuture<'a, Called<PermanentToken>> {
        Box::pin(std::future::ready(Called { result: Err(ErrorKind::Rejected(404).into()), rate_limit: None }))
    }
}

/// The outcome of a call.
pub struct Called<T = RowPage> {
    /// Its result, or the error.
    pub result: Result<T, UpstreamError>,
    /// The rest of the plan, by the vendor's headers.
    pub rate_limit: Option<RateLimit>,
}

/// Where teams come from: the endpoint, guarded. A test's own, unguarded, has teams to give and nothing else to say.
pub trait Upstream: Send + Sync + 'static {
    /// Reads a whole list.
    fn fetch<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<FetchedRoster, UpstreamError>>;

    /// Has a permanent token issued for the load's account: one call of the plan, which is never repeated.
    fn issue_token<'a>(&'a self, _load: Load<'a>) -> BoxFuture<'a, Result<PermanentToken, UpstreamError>> {
        Box::pin(std::future::ready(Err(ErrorKind::Rejected(404).into())))
    }

    /// Why `fetch` would fail right now without a call; `None` when it would make one. `accepted` says whether the upstream has
    /// accepted the credential.
    fn refusal(&self, _grant: &Grant, _need: Need, _accepted: bool) -> Option<UpstreamError> {
        None
    }

    /// How short the credential's plan is.
    fn pressure(&self, _credential: &CredentialId) -> Pressure {
        Pressure::NONE
    }

    /// The rest of the caller's share of the plan; `None` where nothing is counted.
    fn share(&self, _caller: &Caller) -> Option<BudgetShare> {
        None
    }

    /// The calls of the credential's plan that refreshing rosters may spend; `None` where nothing is counted.
    fn refresh_plan(&self, _credential: &CredentialId) -> Option<RefreshPlan> {
        None
    }

    /// The room in the plans for so many calls with each of these credentials: that of the plan with the least room.
    /// `None` where nothing is counted, or nothing is asked for.
    fn room(&self, _calls: &[(CredentialId, u32)]) -> Option<PlanRoom> {
        None
    }

    /// Why calls are not made now, and who has made them.
    fn status(&self) -> UpstreamStatus {
        UpstreamStatus::default()
    }

    /// Another replica has read a list with this credential: its plan is spent here, too, from now on.
    fn meet(&self, _credential: &Credential) {}

    /// Brings to disk what has to be there before the process ends.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// One load: a list to read, and who wants it.
#[derive(Clone, Copy)]
pub struct Load<'l> {
    /// Whose list, and with which credential.
    pub grant: &'l Grant,
    /// The need that it serves.
    pub need: Need,
    /// Whether the upstream has accepted the credential.
    pub accepted: bool,
    /// By when the first call has to be over, if it takes as long as calls do. A call that was started is not cut short.
    pub deadline: Instant,
    /// Sees the calls.
    pub observer: &'l dyn LoadObserver,
}

/// Sees the calls of a load.
pub trait LoadObserver: Send + Sync {
    /// Asked before each call.
    ///
    /// # Errors
    /// Why the call is of no use any more; it is not made then.
    fn before_call(&self) -> Result<(), UpstreamError>;

    /// A call is made.
    fn called(&self);

    /// A call is made whose span is recorded.
    fn traced(&self, _call: &TraceContext) {}
}

/// The need that a call serves, which decides how much of the plan may be spent on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// There is none.
    Missing,
    /// There is one, and it took so many calls.
    Refresh {
        /// The calls that reading it took the last time.
        calls: u32,
    },
}

/// A list that was read.
#[derive(Debug)]
pub struct FetchedRoster {
    /// The team.
    pub roster: Roster,
    /// When the first call was started: nothing in the roster is older.
    pub began: Instant,
}
