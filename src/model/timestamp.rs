//! A date and time in UTC, to the millisecond: the upstream's `createdAt` and our `fetchedAt`.

use std::fmt;
use std::num::NonZeroU64;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike as _, NaiveDate};

/// Milliseconds since the Unix epoch. Prints as RFC 3339 in UTC with milliseconds (`2024-04-26T17:10:22.134Z`).
///
/// Kept as one more than the milliseconds since the year 0, so that an optional time takes no more room than a time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(NonZeroU64);

const YEAR_0: i64 = -62_167_219_200_000;
const YEAR_10000: i64 = 253_402_300_800_000;
const DAY: i64 = 86_400_000;
const EPOCH: Timestamp = Timestamp(NonZeroU64::MIN.saturating_add(YEAR_0.unsigned_abs()));

/// The digits of each number below a hundred.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [*b"00"; 100];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// How many bytes a time prints as.
pub const PRINTED: usize = 24;

impl Timestamp {
    /// Reads an RFC 3339 date and time with any offset; `None` when it is not one, or outside the years 0 to 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(time) = parse_printed(text.as_bytes()) {
            return Some(time);
        }
        let time = DateTime::parse_from_rfc3339(text.trim()).ok()?;
        Self::from_millis(time.timestamp_millis())
    }

    /// The time `millis` milliseconds after the Unix epoch; `None` outside the years 0 to 9999, which RFC 3339 cannot say.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        let since_year_0 = u64::try_from(millis.checked_sub(YEAR_0)?).ok()?;
        (millis < YEAR_10000).then(|| NonZeroU64::MIN.saturating_add(since_year_0)).map(Self)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        (self.0.get() - 1).cast_signed() + YEAR_0
    }

    /// What it prints as, in ASCII. A roster has two times for each member, so this is done by digits instead of by a formatter.
    #[must_use]
    pub fn printed(self) -> [u8; PRINTED] {
        let (days, of_day) = (self.millis().div_euclid(DAY), self.millis().rem_euclid(DAY) as u32);
        // `from_millis` lets through only what a calendar has.
        let date = i32::try_from(days).ok().and_then(NaiveDate::from_epoch_days).unwrap_or_default();
        let (seconds, millis) = (of_day / 1000, of_day % 1000);
        let (minutes, year) = (seconds / 60, date.year().unsigned_abs());
        let mut text = *b"0000-00-00T00:00:00.000Z";
        text[20] += (millis / 100) as u8;
        let pairs = [
            (0, year / 100),
            (2, year % 100),
            (5, date.month()),
            (8, date.day()),
            (11, minutes / 60),
            (14, minutes % 60),
            (17, seconds % 60),
            (21, millis % 100),
        ];
        for (at, number) in pairs {
            text[at..at + 2].copy_from_slice(&PAIRS[number as usize]);
        }
        text
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Self::from_millis(millis).unwrap_or(EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Digits and what is between them.
        f.write_str(str::from_utf8(&self.printed()).unwrap_or_default())
    }
}

/// The form that the upstream writes and we print, `2024-04-26T17:10:22.134Z`; `None` for any other, and for
/// what no calendar has.
fn parse_printed(text: &[u8]) -> Option<Timestamp> {
    const FORM: &[u8; PRINTED] = b"0000-00-00T00:00:00.000Z";
    let text: &[u8; PRINTED] = text.try_into().ok()?;
    // A digit where the form has one, and otherwise the same: without a way out, so that the bytes are looked at together.
    let mut digits = [0; PRINTED];
    let mut differs = false;
    for at in 0..PRINTED {
        digits[at] = text[at].wrapping_sub(FORM[at]);
        differs |= digits[at] > if FORM[at] == b'0' { 9 } else { 0 };
    }
    if differs {
        return None;
    }
    let pair = |at: usize| u32::from(digits[at]) * 10 + u32::from(digits[at + 1]);
    let year = pair(0) * 100 + pair(2);
    let date = NaiveDate::from_ymd_opt(year.cast_signed(), pair(5), pair(8))?;
    let (hour, minute, second, millis) = (pair(11), pair(14), pair(17), u32::from(digits[20]) * 100 + pair(21));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = i64::from(date.to_epoch_days());
    let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    Timestamp::from_millis(seconds * 1000 + i64::from(millis))
}
