//! The time of a log line, as the library writes it. The text of a second is kept for the lines of that second.

use std::cell::Cell;
use std::fmt;

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::model::{Clock, Timestamp};

/// The bytes of `2024-04-26T17:10:22.134215Z`.
const LENGTH: usize = 27;
/// Those before the fraction.
const SECOND_LENGTH: usize = 19;

thread_local! {
    /// The second that this thread has written last, and its text, with room for the fraction.
    static SECOND: Cell<(u64, [u8; LENGTH])> = const { Cell::new((u64::MAX, [b'0'; LENGTH])) };
}

/// The time now.
pub(super) fn line_time() -> Result<[u8; LENGTH], fmt::Error> {
    let now = Clock::since_epoch();
    let (kept, mut text) = SECOND.get();
    if kept != now.as_secs() {
        let millis = i64::try_from(now.as_millis()).ok();
        let time = millis.and_then(Timestamp::from_millis).ok_or(fmt::Error)?.printed();
        text[..SECOND_LENGTH].copy_from_slice(&time[..SECOND_LENGTH]);
        (text[SECOND_LENGTH], text[LENGTH - 1]) = (b'.', b'Z');
        SECOND.set((now.as_secs(), text));
    }
    let mut rest = now.subsec_micros();
    for digit in text[SECOND_LENGTH + 1..LENGTH - 1].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Ok(text)
}

/// Writes that of a line.
pub(super) struct LineTime;

impl FormatTime for LineTime {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        out.write_str(std::str::from_utf8(&line_time()?).map_err(|_| fmt::Error)?)
    }
}
