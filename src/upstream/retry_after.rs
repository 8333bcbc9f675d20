//! `Retry-After`: how long a 429 asks us to wait.

use std::time::Duration;

use chrono::DateTime;

use crate::model::Timestamp;

/// Where the upstream does not say.
const UNSAID: Duration = Duration::from_secs(60);
/// The plans count by the hour; nobody has to wait longer.
const LONGEST: Duration = Duration::from_secs(3600);

/// Reads seconds or an HTTP date (RFC 9110, 10.2.3); 60 s when it is absent or unreadable, an hour at most.
pub(super) fn read(header: Option<&str>, now: Timestamp) -> Duration {
    let Some(text) = header.map(str::trim) else {
        return UNSAID;
    };
    let after = match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => DateTime::parse_from_rfc2822(text).ok().map(|date| {
            let millis = date.timestamp_millis().saturating_sub(now.millis());
            Duration::from_millis(u64::try_from(millis).unwrap_or(0))
        }),
    };
    after.unwrap_or(UNSAID).min(LONGEST)
}
