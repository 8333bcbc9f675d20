//! The upstream: the only place that knows the HTTP client and the REST shapes, and what may be spent on it.
//!
//! Reading a team, step by step (`fetcher`): hold places in the plan (`budget`) → wait for a free connection → ask whether the
//! host is up (`breaker`) → write the call down → send, judge the status (`client`, `error`), learn what is left
//! (`rate_limit`) → split the envelope while it streams in (`envelope`) → read each row on its own (`wire`: its JSON with
//! `json`, its names with `fields`, what its values say with `value`) → try once more where that may help (`retry`) → a roster;
//! where the endpoint pages, page by page (`pages`).
//! Invariant: a roster is only ever whole, no call is made that is not written down, and an error says nothing secret or
//! personal.

mod breaker;
mod budget;
mod client;
mod envelope;
mod error;
mod fetcher;
mod fields;
mod inspect;
mod json;
mod pages;
mod rate_limit;
mod retry;
mod schedule;
mod value;
mod wire;

use futures_util::future::BoxFuture;

pub use budget::{Budget, InvalidLedger, Pressure, Share};
pub use client::{Client, InvalidClient};
pub use error::{Error, Kind, Malformed};
pub use fetcher::Fetcher;
pub use inspect::{Findings, Inspection, Selects};
pub use pages::Page;
pub use rate_limit::RateLimit;
pub use schedule::pause;

use crate::model::{Account, Caller, Credential, CredentialId, Grant, Roster};

/// Reads a whole body, given in chunks, as the client does; for tests, fuzzing and benchmarks.
///
/// # Errors
/// What is wrong with the body, or the failure that it reports.
pub fn decode<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<Roster, Malformed> {
    Ok(Page::read(chunks)?.rows.into_roster(std::time::SystemTime::UNIX_EPOCH.into()))
}

/// One call to the endpoint: the real one, or a test's own in memory.
pub trait Endpoint: Send + Sync + 'static {
    /// Asks for an account's list, or for one page of it. Whoever calls sets the deadline.
    fn call<'a>(&'a self, account: &'a Account, credential: &'a Credential, page: Option<u32>)
    -> BoxFuture<'a, Called>;
}

/// What became of a call.
pub struct Called {
    /// The rows, or why there are none.
    pub result: Result<Page, Error>,
    /// What the vendor said is left of the plan.
    pub rate_limit: Option<RateLimit>,
}

/// Where teams come from: the endpoint, guarded. A test's own, unguarded, has teams to give and nothing else to say.
pub trait Upstream: Send + Sync + 'static {
    /// Reads the whole team that the grant opens, within the upstream's own deadline.
    fn fetch<'a>(&'a self, grant: &'a Grant, need: Need) -> BoxFuture<'a, Fetched>;

    /// Why `fetch` would fail right now without a call; `None` when it would make one.
    fn refusal(&self, _grant: &Grant, _need: Need) -> Option<Error> {
        None
    }

    /// How short the credential's plan is.
    fn pressure(&self, _credential: &CredentialId) -> Pressure {
        Pressure::NONE
    }

    /// What the caller may still spend of the plan; `None` where nobody counts.
    fn share(&self, _caller: &Caller) -> Option<Share> {
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
    pub result: Result<Roster, Error>,
}
