//! The refusals of what there is no room for now, and of what comes too often.

use governor::NotUntil;
use governor::clock::Clock as _;

use super::rate_clock::{RateClock, RateInstant};
use crate::graphql::Code;
use crate::http::response::error::HttpError;

/// Come back in a second.
pub(in crate::http) fn busy(message: &str) -> HttpError {
    HttpError { retry_after: Some(1), ..HttpError::new(Code::RequestConcurrencyLimited, message) }
}

/// Come back when the rate allows one more.
pub(in crate::http) fn too_often(until: &NotUntil<RateInstant>, message: &str) -> HttpError {
    let wait = until.wait_time_from(RateClock.now());
    HttpError {
        retry_after: Some(wait.as_secs_f64().ceil().max(1.0) as u64),
        ..HttpError::new(Code::RequestRateLimited, message)
    }
}
