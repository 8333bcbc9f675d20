//! The transport: one HTTP call to the endpoint, its status judged and its headers read.

mod body;
pub(super) mod client;
mod decode_memory;
pub(super) mod inspect;
mod long_body;
pub(super) mod rate_limit_headers;

pub use client::{Client, InvalidClient};
pub use inspect::{Findings, Inspection, Selects};
pub use rate_limit_headers::RateLimit;
