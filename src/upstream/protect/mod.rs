//! Protection of the upstream: the circuit breaker, retries, and backoff. One file for each mechanism.

pub(super) mod backoff;
pub(super) mod breaker;
pub(super) mod retry;

pub use backoff::probe_backoff;
