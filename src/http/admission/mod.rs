//! Admission: which connections, requests and bodies are let in, and how long a response may take to be read.

pub(super) mod admission;
mod auth_throttle;
pub(super) mod client_ip;
mod connection_limiter;
pub(super) mod response_deadline;

pub use admission::AdmissionControl;
pub use connection_limiter::ConnectionLimiter;
