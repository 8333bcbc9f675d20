//! The interface of the stage: what `roster` asks of the upstream, and what the upstream asks of an endpoint.

use super::decode::RowPage;
use super::transport::RateLimit;
use crate::model::{BudgetShare, Pressure, UpstreamError};
use futures_util::future::BoxFuture;

use crate::model::{Account, Caller, Credential, CredentialId, Grant, Roster};

/// One call to the endpoint: the real one, or a test's own in memory.
pub trait Endpoint: Send + Sync + 'static {
    /// Asks for an account's list, or for one page of it. Whoever calls sets the deadline.
    fn call<'a>(&'a self, account: &'a Account, credential: &'a Credential, page: Option<u32>)
    -> BoxFuture<'a, Called>;
}

/// What became of a call.
pub struct Called {
    /// The rows, or why there are none.
    pub result: Result<RowPage, UpstreamError>,
    /// What the vendor said is left of the plan.
    pub rate_limit: Option<RateLimit>,
}

/// Where teams come from: the endpoint, guarded. A test's own, unguarded, has teams to give and nothing else to say.
pub trait Upstream: Send + Sync + 'static {
    /// Reads the whole team that the grant opens, within the upstream's own deadline.
    fn fetch<'a>(&'a self, grant: &'a Grant, need: Need) -> BoxFuture<'a, Fetched>;

    /// Why `fetch` would fail right now without a call; `None` when it would make one.
    fn refusal(&self, _grant: &Grant, _need: Need) -> Option<UpstreamError> {
        None
    }

    /// How short the credential's plan is.
    fn pressure(&self, _credential: &CredentialId) -> Pressure {
        Pressure::NONE
    }

    /// What the caller may still spend of the plan; `None` where nobody counts.
    fn share(&self, _caller: &Caller) -> Option<BudgetShare> {
        None
    }
}

/// What a team is wanted for, which decides how much of the plan may be spent on it.
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

/// What became of reading a team.
#[derive(Debug)]
pub struct Fetched {
    /// How many calls it took.
    pub calls: u32,
    /// The team, or why there is none.
    pub result: Result<Roster, UpstreamError>,
}
