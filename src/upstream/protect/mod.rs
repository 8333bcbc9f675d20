//! Protection of the upstream, and of its users from each other. One file for each mechanism.
//!
//! `fair_permits` shares the calls under way between sources, `latency` says how much time a call needs, `pauses` are those
//! that the vendor asks for, `breaker` stops calling a host that fails, `backoff` says how soon it is tried again, and
//! `retry` bounds how often a call is made twice.

mod backoff;
mod breaker;
mod fair_permits;
mod latency;
mod pauses;
mod retry;

pub use backoff::probe_backoff;
pub(super) use breaker::{Breaker, BreakerPermit, Subject};
pub(super) use fair_permits::FairPermits;
pub(super) use latency::Latency;
pub(super) use pauses::{CredentialPause, HostPause, LONGEST_PAUSE};
pub(super) use retry::Retries;
