//! A moment on the wall clock, to the millisecond, in UTC: what the upstream's `createdAt` and our `fetchedAt` are.

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
        if let Some(moment) = parse_plain(text.as_bytes()) {
            return Some(moment);
        }
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

    /// RFC 3339 in UTC with milliseconds, as a JSON string: `"2024-04-26T17:10:22.134Z"`, quotes included.
    #[must_use]
    pub fn json(self) -> [u8; 26] {
        const DAY: i64 = 86_400_000;
        let (year, month, day) = date(self.0.div_euclid(DAY));
        // Less than a day, so 32 bits will do from here on.
        let millis = self.0.rem_euclid(DAY) as u32;
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (minutes, second) = (seconds / 60, seconds % 60);
        let [y0, y1] = two_digits(year / 100);
        let [y2, y3] = two_digits(year % 100);
        let [m0, m1] = two_digits(month);
        let [d0, d1] = two_digits(day);
        let [h0, h1] = two_digits(minutes / 60);
        let [i0, i1] = two_digits(minutes % 60);
        let [s0, s1] = two_digits(second);
        let [f0, f1] = two_digits(millis / 10);
        let f2 = b'0' + (millis % 10) as u8;
        [
            b'"', y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', i0, i1, b':', s0, s1, b'.', f0, f1,
            f2, b'Z', b'"',
        ]
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
        f.write_str(std::str::from_utf8(&self.json()).unwrap_or_default().trim_matches('"'))
    }
}

/// The form that the upstream writes and we print, `2024-04-26T17:10:22.134Z`; `None` for any other, and for what is no
/// moment.
fn parse_plain(text: &[u8]) -> Option<Timestamp> {
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

/// Year, month and day of the n-th day after 1970-01-01, in the proleptic Gregorian calendar, in the years 0 to 9999: counted
/// in years that begin in March, so that a leap day is a year's last. Each division by a calendar's fraction is a
/// multiplication by one (C. Neri and L. Schneider, Euclidean affine functions and their application to calendar algorithms).
fn date(days: i64) -> (u32, u32, u32) {
    const CENTURIES_4: u32 = 146_097;
    // Days after -0400-03-01, so that there is none before.
    let days = (days + 719_468 + i64::from(CENTURIES_4)) as u32;
    let quarters = 4 * days + 3;
    let (century, quarter) = (quarters / CENTURIES_4, quarters % CENTURIES_4);
    // 2^32 / 1461, rounded up: a year of the century above, and how far into it below.
    let product = u64::from(quarter | 3) * 2_939_745;
    let (year, day) = ((product >> 32) as u32, (product as u32) / 2_939_745 / 4);
    // Months from March on take turns of 153 days in five: 2^16 · 5 / 153, rounded.
    let product = 2_141 * day + 197_913;
    let (month, day) = (product >> 16, (product & 0xffff) / 2_141);
    let next = u32::from(month > 12);
    (100 * century + year + next - 400, month - 12 * next, day + 1)
}

/// A number below 100.
fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}
