//! A moment on the wall clock, to the millisecond, in UTC: what the upstream's `createdAt` and our `fetchedAt` are.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};

/// Milliseconds since the Unix epoch. Prints as RFC 3339 in UTC with milliseconds (`2024-04-26T17:10:22.134Z`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Reads an RFC 3339 date and time with any offset; `None` when it is not one, or outside the years 0 to 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let moment = DateTime::parse_from_rfc3339(text.trim()).ok()?;
        Self::from_millis(moment.timestamp_millis())
    }

    /// The moment `millis` milliseconds after the Unix epoch; `None` outside the years 0 to 9999, which RFC 3339 cannot say.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        const YEAR_0: i64 = -62_167_219_200_000;
        const YEAR_10000: i64 = 253_402_300_800_000;
        (YEAR_0..YEAR_10000).contains(&millis).then_some(Self(millis))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Self::from_millis(millis).unwrap_or(Self(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&moment.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}
