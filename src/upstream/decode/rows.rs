//! The REST shapes: reads one row of `data` into a member, each field on its own.
//!
//! Tolerant in: whatever is missing, null or empty is absent; what cannot be read is kept aside as text and counted; only
//! a row without a usable `_id` is skipped.

use super::fields::{Orders, RowKey};
use super::json::{InvalidJson, JsonReader};
use super::row::RowReader;
use crate::model::Malformed;
use crate::model::{Checkpoint, Drift, Roster, RosterBuilder, SkippedRow, Timestamp};

/// The longest row that is read, and the longest value beside `data`, in bytes. Of a longer one only the end is looked for.
pub(super) const VALUE_LIMIT: usize = 1 << 20;

/// The length of a usual row, in bytes.
const ROW_LENGTH: usize = 640;
/// So many rows tell how much room the others will need.
const SAMPLE: usize = 64;

/// The rows read so far.
pub(in crate::upstream) struct DecodedRows {
    limit: usize,
    seen: usize,
    /// How many bytes of rows there will be, as far as is known, and how many the good ones had so far.
    expected: usize,
    sample: usize,
    pub(in crate::upstream) builder: RosterBuilder,
    pub(in crate::upstream) skipped: Vec<SkippedRow>,
    pub(in crate::upstream) drift: Drift,
    orders: Orders,
    /// The key that the first good row began with.
    first_key: Option<Box<str>>,
    /// The state before the last row, and before the last one that is no text.
    before_last: Before,
    before_whole: Before,
}

/// The state before a row.
#[derive(Clone, Copy, Default)]
struct Before {
    seen: usize,
    members: usize,
    texts: Checkpoint,
    skipped: usize,
    drift: Drift,
}

impl DecodedRows {
    pub(in crate::upstream) fn new(limit: usize) -> Self {
        Self {
            limit,
            seen: 0,
            expected: 0,
            sample: 0,
            builder: RosterBuilder::default(),
            skipped: Vec::new(),
            drift: Drift::default(),
            orders: Orders::default(),
            first_key: None,
            before_last: Before::default(),
            before_whole: Before::default(),
        }
    }

    /// How many rows were seen, good and bad.
    pub(in crate::upstream) fn seen(&self) -> usize {
        self.seen
    }

    /// Makes place for what so many bytes of rows may hold: at first for a sample of them, and then for all as the sample was.
    /// What is too much would have to be copied into less in the end.
    pub(in crate::upstream) fn expect(&mut self, bytes: usize) {
        self.expected = bytes;
        let sample = bytes.min(SAMPLE * ROW_LENGTH);
        self.builder.expect(sample.div_ceil(ROW_LENGTH), sample * 2 / 5);
    }

    /// Makes place for the rest, once the sample is complete. However short its rows are, the place is in proportion to the bytes
    /// that are expected.
    fn expect_rest(&mut self, length: usize) {
        self.sample += length;
        if self.builder.members().len() == SAMPLE && self.sample < self.expected {
            let left = self.expected - self.sample;
            let (rows, text) = (left / ROW_LENGTH, left / 2);
            self.builder.expect_like(left as f64 / self.sample as f64, rows, text);
        }
    }

    /// Makes the roster of them.
    pub(in crate::upstream) fn into_roster(self, fetched_at: Timestamp) -> Roster {
        self.builder.finish(self.skipped, self.drift, fetched_at)
    }

    /// Puts the rows of the next page behind these.
    pub(in crate::upstream) fn append(&mut self, page: Self) -> Result<(), Malformed> {
        let before = u32::try_from(self.seen).unwrap_or(u32::MAX);
        self.seen += page.seen;
        if self.seen > self.limit {
            return Err(Malformed::TooManyRows);
        }
        self.builder.append(page.builder);
        self.skipped
            .extend(page.skipped.into_iter().map(|row| SkippedRow { index: row.index.saturating_add(before), ..row }));
        self.drift.unrecognized_values += page.drift.unrecognized_values;
        self.drift.unknown_fields += page.drift.unknown_fields;
        self.check_size()
    }

    /// Reads the row at the front of `text`, if a whole and good one is there, and says how long it is.
    pub(in crate::upstream) fn read_front(&mut self, text: &str) -> Result<Option<usize>, Malformed> {
        if self.seen == self.limit {
            return Err(Malformed::TooManyRows);
        }
        let before = self.before();
        let mut reader = JsonReader::new(up_to_limit(text));
        let read = self.row(&mut reader);
        let Ok(Some(())) = read else { return Ok(None) };
        self.seen += 1;
        (self.before_last, self.before_whole) = (before, before);
        self.keep_first_key(text);
        self.expect_rest(reader.at());
        self.check_size()?;
        Ok(Some(reader.at()))
    }

    /// Reads the next row, which may turn out not to be one; whether it was a good one.
    pub(in crate::upstream) fn read(&mut self, text: &str) -> Result<bool, Malformed> {
        if self.seen == self.limit {
            return Err(Malformed::TooManyRows);
        }
        self.before_last = self.before();
        // A text may be a piece of the row before it, unless a row begins so that lacks its bracket.
        if !text.starts_with('"') || self.first_key() == Some(text.trim_matches('"')) {
            self.before_whole = self.before_last;
        }
        let index = u32::try_from(self.seen).unwrap_or(u32::MAX);
        self.seen += 1;
        let mut reader = JsonReader::new(text);
        let reason = match self.row(&mut reader) {
            Ok(Some(())) if reader.at() == text.len() => {
                self.keep_first_key(text);
                self.check_size()?;
                return Ok(true);
            }
            Ok(None) => "it has no usable _id",
            _ if !text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
                "it is not an object"
            }
            _ => "it is not valid JSON",
        };
        self.skipped.push(SkippedRow { index, reason });
        Ok(false)
    }

    /// Skips the next row, which cannot even be looked at.
    pub(super) fn skip(&mut self, reason: &'static str) -> Result<(), Malformed> {
        if self.seen == self.limit {
            return Err(Malformed::TooManyRows);
        }
        let before = self.before();
        (self.before_last, self.before_whole) = (before, before);
        let index = u32::try_from(self.seen).unwrap_or(u32::MAX);
        self.seen += 1;
        self.skipped.push(SkippedRow { index, reason });
        Ok(())
    }

    /// The key that rows begin with, once there was a good one.
    pub(super) fn first_key(&self) -> Option<&str> {
        self.first_key.as_deref()
    }

    fn keep_first_key(&mut self, row: &str) {
        if self.first_key.is_none() {
            self.first_key = row.split('"').nth(1).map(Box::from);
        }
    }

    /// Skips the last row after all, or the last that is no text with the texts that were taken for rows since; `false` where
    /// there was none.
    pub(super) fn rollback_last(&mut self, with_texts: bool, reason: &'static str) -> bool {
        if self.seen == 0 {
            return false;
        }
        self.return_to(if with_texts { self.before_whole } else { self.before_last });
        self.skip(reason).is_ok()
    }

    /// Takes the last row back, as if it had not been read.
    pub(super) fn take_back_last(&mut self) {
        self.return_to(self.before_last);
    }

    fn return_to(&mut self, before: Before) {
        self.seen = before.seen;
        self.builder.truncate(before.members);
        self.builder.rollback(before.texts);
        self.skipped.truncate(before.skipped);
        self.drift = before.drift;
    }

    fn before(&self) -> Before {
        let (members, texts) = (self.builder.members().len(), self.builder.checkpoint());
        Before { seen: self.seen, members, texts, skipped: self.skipped.len(), drift: self.drift }
    }

    /// Reads a row and keeps it; `None` when it has no usable id.
    fn row(&mut self, reader: &mut JsonReader<'_>) -> Result<Option<()>, InvalidJson> {
        let checkpoint = self.builder.checkpoint();
        let mut row = RowReader::new(&mut self.builder);
        let Orders { row: keys, contact, phone } = &mut self.orders;
        let read = reader.object(keys, RowKey::of, |reader, key| row.field(reader, key, contact, phone));
        let (record, unrecognized, unknown) = row.finish();
        if read.is_err() || record.id.is_none() {
            self.builder.rollback(checkpoint);
            return read.map(|()| None);
        }
        self.drift.unrecognized_values += unrecognized;
        self.drift.unknown_fields += unknown;
        self.builder.push(record);
        Ok(Some(()))
    }

    fn check_size(&self) -> Result<(), Malformed> {
        if self.builder.is_too_large() { Err(Malformed::TooLarge) } else { Ok(()) }
    }
}

/// As much of a text as a row may have.
fn up_to_limit(text: &str) -> &str {
    let end = (0..=VALUE_LIMIT.min(text.len())).rfind(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}
