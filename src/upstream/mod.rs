//! The upstream: the only place that knows the HTTP client and the REST shapes.
//!
//! One call, step by step: wait for a free place → send → judge the status (`error`) → split the envelope while it streams
//! in (`envelope`) → read each row on its own (`wire`; its JSON by `json`, what its values say by `value`) → a roster; where
//! the endpoint pages, page by page (`pages`).
//! Invariant: a roster is only ever whole, and an error says nothing secret or personal.

mod client;
mod envelope;
mod error;
mod inspect;
mod json;
mod pages;
mod retry_after;
mod value;
mod wire;

use futures_util::future::BoxFuture;

pub use client::{Client, InvalidClient};
pub use error::{Error, Kind, Malformed};
pub use inspect::{Findings, Inspection, Selects};

use crate::model::{Account, Credential, Roster};

/// Reads a whole body, given in chunks, as the client does; for tests, fuzzing and benchmarks.
///
/// # Errors
/// What is wrong with the body, or the failure that it reports.
pub fn decode<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<Roster, Malformed> {
    let mut reader = envelope::EnvelopeReader::new(usize::MAX);
    for chunk in chunks {
        reader.push(chunk)?;
    }
    let envelope = reader.finish()?;
    let rows = envelope.rows.filter(|_| envelope.success).ok_or(Malformed::WrongShape)?;
    Ok(rows.into_roster(std::time::SystemTime::UNIX_EPOCH.into()))
}

/// Where teams come from: the real endpoint, or a test's own in memory.
pub trait Upstream: Send + Sync + 'static {
    /// Reads the whole team of `account`, within the upstream's own deadline.
    fn fetch<'a>(&'a self, account: &'a Account, credential: &'a Credential) -> BoxFuture<'a, Fetched>;
}

/// What became of reading a team.
#[derive(Debug)]
pub struct Fetched {
    /// How many calls it took.
    pub calls: u32,
    /// The team, or why there is none.
    pub result: Result<Roster, Error>,
}
