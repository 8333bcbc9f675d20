//! The headers of an answer that ask for a pause, or describe the vendor's rate limit.
//!
//! `Retry-After` comes as seconds or as a date; what is left of the plan, and until when, in one of the forms that are in use.
//! All of it is optional, and nothing that cannot be read is believed.

use std::time::{Duration, SystemTime};

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::model::Timestamp;
use crate::upstream::protect::LONGEST_PAUSE;

/// How long a 429 means where it does not say.
const UNSAID: Duration = Duration::from_secs(60);
/// A reset past this is no number of seconds but a date: seconds since 1970, or milliseconds where it is larger still.
const EPOCH_SECONDS: u64 = 1_000_000_000;
const EPOCH_MILLIS: u64 = 100_000_000_000;

/// Headers with one number each: how many calls in all, how many of them are left, and until when.
const FAMILIES: [[&str; 3]; 3] = [
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"],
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
    ["x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"],
];

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

/// How long a 429 asks us to wait: its `Retry-After`; where that is absent or cannot be read what the rate-limit headers say,
/// else 60 s. An hour at most.
pub(super) fn pause_after_429(headers: &HeaderMap, now: Timestamp) -> Duration {
    let reset = || read(headers, now).filter(|limit| limit.remaining == 0).map(|limit| limit.reset);
    retry_after(headers, now).or_else(reset).unwrap_or(UNSAID).min(LONGEST_PAUSE)
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds, or a date in any of the three forms of HTTP, or in that of e-mail. Of several
/// the longest counts. An hour at most.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    // The sender's own clock tells best how far away its date is.
    let now = sent(headers).unwrap_or(now);
    let values = headers.get_all(RETRY_AFTER).iter().filter_map(|value| text(Some(value)));
    let waits = values.filter_map(|value| seconds(value).or_else(|| date(value).map(|date| until(date.millis(), now))));
    waits.max().map(|wait| wait.min(LONGEST_PAUSE))
}

/// When the answer was sent, by the sender's own clock.
pub(super) fn sent(headers: &HeaderMap) -> Option<Timestamp> {
    text(headers.get(DATE)).and_then(date)
}

/// A number of seconds, of whatever length; a fraction is rounded up.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    // Only a number that is too large cannot be read now.
    let whole = whole.parse::<u64>().unwrap_or(u64::MAX);
    let more = u64::from(fraction.bytes().any(|digit| digit != b'0'));
    Some(Duration::from_secs(whole.saturating_add(more)))
}

fn date(text: &str) -> Option<Timestamp> {
    let http = httpdate::parse_http_date(text).ok();
    http.or_else(|| DateTime::parse_from_rfc2822(text).ok().map(SystemTime::from)).map(Timestamp::from)
}

/// The rest of the plan by the headers: `RateLimit` as a structured field (`"default";r=50;t=30`) or in its older form
/// (`limit=100, remaining=50, reset=30`), or `RateLimit-*` or `X-RateLimit-*` with one number each. Of several windows the one
/// with the least left counts.
pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Option<RateLimit> {
    if headers.contains_key("ratelimit") {
        let fields = headers.get_all("ratelimit").iter().filter_map(|value| text(Some(value)));
        let windows = fields.flat_map(windows).filter_map(|window| said(window.q, window.r?, window.t?, now));
        return windows.min_by_key(|limit| limit.remaining);
    }
    FAMILIES.into_iter().find_map(|[limit, remaining, reset]| {
        let number = |name: &str| text(headers.get(name))?.split([',', ';']).next()?.trim().parse().ok();
        let (remaining, reset) = (number(remaining)?, number(reset)?);
        said(number(limit), remaining, reset, now)
    })
}

/// One window of a `RateLimit` field.
#[derive(Clone, Copy, Default)]
struct RateLimitWindow {
    q: Option<u64>,
    r: Option<u64>,
    t: Option<u64>,
}

/// The windows of a field: members of a list with parameters, or, in the older form, the list as a whole.
fn windows(field: &str) -> Vec<RateLimitWindow> {
    let mut windows = vec![RateLimitWindow::default()];
    for member in field.split(',') {
        // A name in quotes, or without a value, begins a window of its own.
        let starts = member.split(';').next().is_some_and(|name| !name.contains('='));
        if starts {
            windows.push(RateLimitWindow::default());
        }
        let Some(window) = windows.last_mut() else { continue };
        for (name, value) in member.split(';').filter_map(|part| part.split_once('=')) {
            let value = value.trim().parse().ok();
            match name.trim() {
                "q" | "limit" => window.q = value,
                "r" | "remaining" => window.r = value,
                "t" | "reset" => window.t = value,
                _ => {}
            }
        }
    }
    windows
}

fn said(limit: Option<u64>, remaining: u64, reset: u64, now: Timestamp) -> Option<RateLimit> {
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let reset = match reset {
        EPOCH_MILLIS.. => until(i64::try_from(reset).ok()?, now),
        EPOCH_SECONDS.. => until(i64::try_from(reset).ok()?.checked_mul(1000)?, now),
        seconds => Duration::from_secs(seconds),
    };
    Some(RateLimit { limit: limit.map(small), remaining: small(remaining), reset: reset.min(LONGEST_PAUSE) })
}

fn text(value: Option<&reqwest::header::HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok()).map(str::trim)
}

fn until(millis: i64, now: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(millis.saturating_sub(now.millis())).unwrap_or(0))
}
