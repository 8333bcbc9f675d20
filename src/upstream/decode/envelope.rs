//! Splits the upstream's envelope into rows while it streams in, so that a body of any length costs the memory of one row.
//!
//! Only the two outer levels are read here (the envelope's object and the array in `data`). A row is read by `rows` right where
//! it stands; one that is cut, or is not good, is found whole by its brackets (`scan`) and read again. Where the text makes no
//! sense any more, the last row was not what it seemed: it is skipped, and reading goes on where the next one begins
//! (`boundary`). The result does not depend on where the chunks were cut.

use super::ahead::RowsAhead;
use super::boundary::Boundary;
use super::input::Input;
use super::rows::{DecodedRows, VALUE_LIMIT};
use super::scan::{Scan, Unreadable, ValueEnd};
use crate::model::Malformed;

/// So much of the next chunk is put behind a row that was cut, to begin with: a usual row is not much longer.
const JOINED: usize = 1 << 10;

/// A row that cannot be read, with fewer bytes than that behind its beginning, is most likely one that the chunk cuts.
const CUT: usize = 4 << 10;

/// Why a row is skipped whose end its brackets do not tell.
const BROKEN: &str = "it is not valid JSON";

/// The byte order mark of UTF-8, which some senders put in front; a parser may ignore it (RFC 8259, 8.1).
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// The contents of the envelope.
pub(in crate::upstream) struct Envelope {
    pub(in crate::upstream) success: bool,
    pub(in crate::upstream) message: Option<String>,
    pub(in crate::upstream) code: Option<u16>,
    /// How many rows there are on all pages, where it says so: `total`, or `total` in `meta`.
    pub(in crate::upstream) total: Option<u64>,
    /// The rows, where `data` is an array.
    pub(in crate::upstream) rows: Option<DecodedRows>,
}

/// Reads an envelope chunk by chunk.
pub(in crate::upstream) struct EnvelopeReader {
    buffer: Vec<u8>,
    /// Everything in `buffer` before this is done with.
    at: usize,
    /// Whether nothing has been read yet, so that a byte order mark may come.
    is_at_start: bool,
    /// Whether no more bytes will come.
    is_at_end: bool,
    expect: Expect,
    /// How far the value that begins at `at` has been scanned.
    scan: Scan,
    /// Whether the row there has waited for the next chunk once, so that it is scanned where it still cannot be read.
    has_waited: bool,
    key: String,
    success: Option<bool>,
    message: Option<String>,
    code: Option<u16>,
    total: Option<u64>,
    data_seen: bool,
    is_array: bool,
    /// Whether the last row can be skipped with what follows, without passing another row by.
    is_safe: bool,
    rows: DecodedRows,
}

#[derive(Clone, Copy, PartialEq)]
enum Expect {
    Open,
    KeyOrClose,
    Key,
    Colon,
    Value,
    CommaOrClose,
    RowOrClose,
    Row,
    RowCommaOrClose,
    /// The rest of a row that seemed to be over, up to the next one.
    RestOfRow,
    Nothing,
}

impl EnvelopeReader {
    /// `rows_limit`: the most rows that are read.
    pub(in crate::upstream) fn new(rows_limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            at: 0,
            is_at_start: true,
            is_at_end: false,
            expect: Expect::Open,
            scan: Scan::default(),
            has_waited: false,
            key: String::new(),
            success: None,
            message: None,
            code: None,
            total: None,
            data_seen: false,
            is_array: false,
            is_safe: true,
            rows: DecodedRows::new(rows_limit),
        }
    }

    /// Makes room for a body of so many bytes; there may come more or fewer.
    pub(in crate::upstream) fn expect(&mut self, bytes: usize) {
        self.rows.expect(bytes);
    }

    /// Takes the next bytes of the body.
    pub(in crate::upstream) fn push(&mut self, chunk: &[u8]) -> Result<(), Malformed> {
        let rest = if self.buffer.is_empty() { chunk } else { self.join(chunk)? };
        if self.buffer.is_empty() {
            let mut input = Input::new(rest);
            while self.step(&mut input)? {}
            self.buffer.extend_from_slice(&rest[self.at..]);
            self.at = 0;
        }
        if self.scan.length() > VALUE_LIMIT {
            // It will not be read, so only the scan's state is kept.
            self.buffer.drain(..self.scan.drop_seen());
        }
        Ok(())
    }

    /// Takes what the last chunk cut, with as much of this one as it needs; returns the rest, which need not be copied.
    fn join<'c>(&mut self, chunk: &'c [u8]) -> Result<&'c [u8], Malformed> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let (cut, mut more) = (buffer.len(), JOINED);
        let mut left = chunk;
        while self.at < cut && !left.is_empty() {
            let (next, behind) = left.split_at(more.min(left.len()));
            buffer.extend_from_slice(next);
            (left, more) = (behind, more * 2);
            let mut input = Input::new(&buffer);
            while self.at < cut && self.step(&mut input)? {}
        }
        let taken = std::mem::take(&mut self.at);
        if taken < cut {
            buffer.drain(..taken);
            self.buffer = buffer;
            return Ok(&[]);
        }
        buffer.clear();
        self.buffer = buffer;
        Ok(&chunk[taken - cut..])
    }

    /// Where in these bytes, from one on, a row seems to begin.
    pub(in crate::upstream) fn find_row(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let begins = format!(",{{\"{}\":", self.rows.first_key()?);
        Some(from + memchr::memmem::find(bytes.get(from..)?, begins.as_bytes())? + 1)
    }

    /// Takes rows that were read ahead from the bytes that come next, if a row is what they begin with: how many of the bytes that
    /// was.
    pub(in crate::upstream) fn take_ahead(&mut self, ahead: RowsAhead) -> Result<usize, Malformed> {
        if self.expect != Expect::Row || !self.buffer.is_empty() {
            return Ok(0);
        }
        self.rows.append(ahead.rows)?;
        self.is_safe |= ahead.length > 0;
        Ok(ahead.length)
    }

    /// Ends the body.
    pub(in crate::upstream) fn finish(mut self) -> Result<Envelope, Malformed> {
        self.is_at_end = true;
        let rest = std::mem::take(&mut self.buffer);
        let mut input = Input::new(&rest);
        while self.step(&mut input)? {}
        match self.expect {
            Expect::Nothing => {}
            Expect::Open => return Err(Malformed::Empty),
            Expect::RestOfRow if self.scan.ends_with_body() => {}
            Expect::Row | Expect::RowOrClose if self.scan.ends_with_body() => self.rows.skip(BROKEN)?,
            Expect::RestOfRow => return Err(Malformed::NotJson),
            _ => return Err(Malformed::Truncated),
        }
        Ok(Envelope {
            // An envelope that holds a list and says nothing of failure is a success.
            success: self.success.unwrap_or(self.is_array),
            message: self.message,
            code: self.code,
            total: self.total,
            rows: self.is_array.then_some(self.rows),
        })
    }

    /// Takes one token, or the rest of a broken row; `false` when more bytes are needed.
    fn step(&mut self, input: &mut Input<'_>) -> Result<bool, Malformed> {
        match self.token(input) {
            Err(Malformed::NotJson) if self.is_array && self.is_safe && self.expect != Expect::RestOfRow => {
                self.lose_row(input.bytes.get(self.at).copied())
            }
            taken => taken,
        }
    }

    /// Takes one token; `false` when more bytes are needed.
    fn token(&mut self, input: &mut Input<'_>) -> Result<bool, Malformed> {
        if self.is_at_start && !self.skip_mark(input.bytes) {
            return Ok(false);
        }
        match self.expect {
            Expect::RestOfRow => return self.row(input),
            // In the middle of a value, whose first bytes may be gone.
            Expect::KeyOrClose | Expect::Key if self.scan.has_begun() => return self.key(input),
            Expect::RowOrClose | Expect::Row if self.scan.has_begun() => return self.row(input),
            _ if self.scan.has_begun() => return self.envelope_value(input),
            _ => {}
        }
        while input.bytes.get(self.at).is_some_and(|b| b" \t\r\n".contains(b)) {
            self.at += 1;
        }
        let Some(&byte) = input.bytes.get(self.at) else {
            return Ok(false);
        };
        let next = match (self.expect, byte) {
            (Expect::Open, b'{') => Expect::KeyOrClose,
            (Expect::KeyOrClose, b'}') | (Expect::CommaOrClose, b'}') => Expect::Nothing,
            (Expect::Colon, b':') => Expect::Value,
            (Expect::CommaOrClose, b',') => Expect::Key,
            (Expect::RowOrClose, b']') | (Expect::RowCommaOrClose, b']') => Expect::CommaOrClose,
            (Expect::RowCommaOrClose, b',') => Expect::Row,
            (Expect::KeyOrClose | Expect::Key, b'"') => return self.key(input),
            (Expect::Value, b'[') if self.key == "data" => {
                self.data()?;
                self.is_array = true;
                Expect::RowOrClose
            }
            (Expect::Value, _) => return self.envelope_value(input),
            (Expect::RowOrClose | Expect::Row, _) => return self.row(input),
            _ => return Err(Malformed::NotJson),
        };
        self.at += 1;
        self.expect = next;
        Ok(true)
    }

    /// Takes one key of the envelope, if it is all there.
    fn key(&mut self, input: &Input<'_>) -> Result<bool, Malformed> {
        self.value(input, |reader, key| {
            // What cannot be read is none of the names that are known.
            reader.key = match key {
                Ok(key) => serde_json::from_str(key).map_err(|_| Malformed::NotJson)?,
                Err(_) => String::new(),
            };
            Ok(Expect::Colon)
        })
    }

    /// Takes one value of the envelope, if it is all there.
    fn envelope_value(&mut self, input: &Input<'_>) -> Result<bool, Malformed> {
        self.value(input, |reader, value| {
            reader.keep(value)?;
            Ok(Expect::CommaOrClose)
        })
    }

    /// Skips a byte order mark; `false` when more bytes are needed to tell.
    fn skip_mark(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(bytes) {
            return false;
        }
        self.is_at_start = false;
        if bytes.starts_with(&BYTE_ORDER_MARK) {
            self.at += BYTE_ORDER_MARK.len();
        }
        true
    }

    /// Takes one row, if it is all there. A good one is read where it stands; of any other the end is found first, so that
    /// the next can be.
    fn row(&mut self, input: &mut Input<'_>) -> Result<bool, Malformed> {
        if self.expect != Expect::RestOfRow && !self.scan.has_begun() {
            if let Some(length) = self.rows.read_front(input.text(self.at))? {
                self.at += length;
                self.expect = Expect::RowCommaOrClose;
                self.is_safe = true;
                self.has_waited = false;
                return Ok(true);
            }
            let may_be_cut = !self.is_at_end && input.bytes.len() - self.at < CUT;
            if may_be_cut && !std::mem::replace(&mut self.has_waited, true) {
                return Ok(false);
            }
        }
        let Some(end) = self.scan.find_row_end(&input.bytes[self.at..], self.rows.first_key())? else {
            return Ok(false);
        };
        self.is_safe = self.scan.is_safe();
        let (length, next) = match end {
            ValueEnd::Unsafe => return Err(Malformed::NotJson),
            ValueEnd::Value(length) => {
                match self.text(input, length) {
                    // In a good row nothing can have been passed by.
                    Ok(row) => self.is_safe |= self.rows.read(row)?,
                    Err(unreadable) => self.rows.skip(unreadable.reason())?,
                }
                (length, Expect::RowCommaOrClose)
            }
            ValueEnd::Broken(boundary) => {
                if self.expect != Expect::RestOfRow {
                    self.rows.skip(BROKEN)?;
                }
                match boundary {
                    Boundary::Row(length) => (length, Expect::Row),
                    Boundary::ListEnd(length) => (length, Expect::RowCommaOrClose),
                }
            }
        };
        self.advance(length, next);
        Ok(true)
    }

    /// The next byte follows no row: the last one was not what it seemed to be. It is skipped, with all that follows up
    /// to the next row.
    fn lose_row(&mut self, byte: Option<u8>) -> Result<bool, Malformed> {
        let behind = match self.expect {
            Expect::Row | Expect::Key => b',',
            Expect::RowCommaOrClose | Expect::CommaOrClose | Expect::Nothing => b'}',
            _ => b' ',
        };
        // A text before a colon was no row, but a key.
        let was_key = self.expect != Expect::RowCommaOrClose || byte == Some(b':');
        if matches!(self.expect, Expect::Row | Expect::RowOrClose) {
            self.rows.skip(BROKEN)?;
        } else if !self.rows.rollback_last(was_key, BROKEN) {
            return Err(Malformed::NotJson);
        }
        self.scan = Scan::of_rest(behind);
        self.expect = Expect::RestOfRow;
        Ok(true)
    }

    /// Takes one whole value, if it is all there.
    fn value(
        &mut self,
        input: &Input<'_>,
        take: impl FnOnce(&mut Self, Result<&str, Unreadable>) -> Result<Expect, Malformed>,
    ) -> Result<bool, Malformed> {
        let Some(length) = self.scan.find_end(&input.bytes[self.at..])? else {
            return Ok(false);
        };
        let next = take(self, self.text(input, length))?;
        self.advance(length, next);
        Ok(true)
    }

    /// The text of a value of this length, the dropped bytes included.
    fn text<'b>(&self, input: &Input<'b>, length: usize) -> Result<&'b str, Unreadable> {
        if length > VALUE_LIMIT {
            Err(Unreadable::TooLong)
        } else if self.scan.is_too_deep {
            Err(Unreadable::TooDeep)
        } else {
            std::str::from_utf8(&input.bytes[self.at..self.at + length]).map_err(|_| Unreadable::NotUtf8)
        }
    }

    /// Goes on behind a value of this length.
    fn advance(&mut self, length: usize, next: Expect) {
        self.at += length - self.scan.dropped;
        self.scan = Scan::default();
        self.has_waited = false;
        self.expect = next;
    }

    fn data(&mut self) -> Result<(), Malformed> {
        // Two of them: which one would be the team?
        if std::mem::replace(&mut self.data_seen, true) { Err(Malformed::WrongShape) } else { Ok(()) }
    }

    /// Keeps what a value of the envelope says, where its key is known.
    fn keep(&mut self, text: Result<&str, Unreadable>) -> Result<(), Malformed> {
        let value = match text {
            Ok(text) => {
                serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| Malformed::NotJson)?;
                // Half a surrogate pair is good JSON that no text can hold.
                serde_json::from_str(text).unwrap_or_default()
            }
            Err(_) if self.key == "success" => return Err(Malformed::WrongShape),
            Err(_) => serde_json::Value::Null,
        };
        match self.key.as_str() {
            "data" => self.data()?,
            "success" => match value {
                serde_json::Value::Bool(success) => self.success = Some(success),
                serde_json::Value::Null => {}
                _ => return Err(Malformed::WrongShape),
            },
            "message" => self.message = value.as_str().map(str::to_owned),
            "code" => self.code = value.as_u64().and_then(|code| u16::try_from(code).ok()),
            "total" => self.total = value.as_u64().or(self.total),
            "meta" => self.total = self.total.or(value["total"].as_u64()),
            _ => {}
        }
        Ok(())
    }
}
