//! Admission: which connections, requests and bodies are let in, and how long a response may take to be read.

pub(super) mod admission;
pub(super) mod auth_throttle;
pub(super) mod body_memory;
pub(super) mod busy;
mod byte_budget;
pub(super) mod caller_key;
pub(super) mod client_ip;
mod connection_limiter;
pub(super) mod key_counts;
pub(super) mod page_memory;
mod permits;
mod proxy_protocol;
pub(super) mod rate_clock;
pub(super) mod rates;
pub(super) mod response_deadline;
pub(super) mod response_memory;
mod track_responses;
mod tracked_body;
pub(super) mod turns;

pub use admission::AdmissionControl;
pub use auth_throttle::{Attempt, FailedAuthLimiter, Throttled};
pub use connection_limiter::ConnectionLimiter;
