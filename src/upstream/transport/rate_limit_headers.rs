//! What an answer's headers say of the vendor's rate limit: `Retry-After`, and what is left until when, in the forms that are
//! in use. All of it is optional; nobody has documented which of it comes.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::model::Timestamp;

/// How long a 429 means where it does not say.
const UNSAID: Duration = Duration::from_secs(60);
/// The plans count by the hour; nobody has to wait longer.
const LONGEST: Duration = Duration::from_secs(3600);
/// A reset past this is no number of seconds but a moment: seconds since 1970, or milliseconds where it is larger still.
const MOMENT: u64 = 1_000_000_000;
const MOMENT_MILLIS: u64 = 100_000_000_000;

/// How many calls the vendor says are left, and for how long that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls in all, where it says so.
    pub limit: Option<u32>,
    /// Calls that are left.
    pub remaining: u32,
    /// How long until there are more.
    pub reset: Duration,
}

/// How long a 429 asks us to wait: seconds or an HTTP date (RFC 9110, 10.2.3); where that is absent or unreadable what the
/// rate-limit headers say, else 60 s; an hour at most.
pub(in crate::upstream) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Duration {
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::trim);
    let said = text.and_then(|text| match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => DateTime::parse_from_rfc2822(text).ok().map(|date| until(date.timestamp_millis(), now)),
    });
    let reset = || read(headers, now).filter(|limit| limit.remaining == 0).map(|limit| limit.reset);
    said.or_else(reset).unwrap_or(UNSAID).min(LONGEST)
}

/// What the headers say is left: `RateLimit` as a structured field (`"default";r=50;t=30`) or in its older form
/// (`limit=100, remaining=50, reset=30`), or `RateLimit-*` or `X-RateLimit-*` with one number each.
pub(in crate::upstream) fn read(headers: &HeaderMap, now: Timestamp) -> Option<RateLimit> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(field) = text("ratelimit") {
        let number = |names: [&str; 2]| {
            let pairs = field.split([';', ',']).filter_map(|part| part.split_once('='));
            let mut found = pairs.filter(|(name, _)| names.contains(&name.trim())).map(|(_, value)| value);
            found.next().and_then(|value| value.trim().parse::<u64>().ok())
        };
        return said(number(["q", "limit"]), number(["r", "remaining"])?, number(["t", "reset"])?, now);
    }
    ["ratelimit", "x-ratelimit", "x-rate-limit"].into_iter().find_map(|family| {
        let number = |what: &str| text(&format!("{family}-{what}"))?.split([',', ';']).next()?.trim().parse().ok();
        said(number("limit"), number("remaining")?, number("reset")?, now)
    })
}

fn said(limit: Option<u64>, remaining: u64, reset: u64, now: Timestamp) -> Option<RateLimit> {
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let reset = match reset {
        MOMENT_MILLIS.. => until(i64::try_from(reset).ok()?, now),
        MOMENT.. => until(i64::try_from(reset).ok()?.checked_mul(1000)?, now),
        seconds => Duration::from_secs(seconds),
    };
    Some(RateLimit { limit: limit.map(small), remaining: small(remaining), reset: reset.min(LONGEST) })
}

fn until(millis: i64, now: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(millis.saturating_sub(now.millis())).unwrap_or(0))
}
