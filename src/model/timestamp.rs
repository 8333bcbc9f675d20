//! A date and time in UTC, to the millisecond: the upstream's `createdAt` and our `fetchedAt`.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate};

/// Milliseconds since the Unix epoch. Prints as RFC 3339 in UTC with milliseconds (`2024-04-26T17:10:22.134Z`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Reads an RFC 3339 date and time with any offset; `None` when it is not one, or outside the years 0 to 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_text(text).map(|(time, _)| time)
    }

    /// Reads what `parse` reads, and says whether the text is what the time prints as.
    #[must_use]
    pub fn parse_text(text: &str) -> Option<(Self, bool)> {
        if let Some(time) = parse_printed(text.as_bytes()) {
            return Some((time, true));
        }
        let time = DateTime::parse_from_rfc3339(text.trim()).ok()?;
        Self::from_millis(time.timestamp_millis()).map(|time| (time, false))
    }

    /// The time `millis` milliseconds after the Unix epoch; `None` outside the years 0 to 9999, which RFC 3339 cannot say.
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
        // `from_millis` lets through only what a calendar has.
        let time = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

/// The form that the upstream writes and we print, `2024-04-26T17:10:22.134Z`; `None` for any other, and for
/// what no calendar has.
fn parse_printed(text: &[u8]) -> Option<Timestamp> {
    let text: &[u8; 24] = text.try_into().ok()?;
    let fixed = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
    if fixed.iter().any(|(at, byte)| text[*at] != *byte) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to]
            .iter()
            .try_fold(0_u32, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)?).ok()?, number(5, 7)?, number(8, 10)?)?;
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = i64::from(date.to_epoch_days());
    let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    Timestamp::from_millis(seconds * 1000 + i64::from(number(20, 23)?))
}
