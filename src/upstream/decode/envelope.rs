//! Splits the upstream's envelope into rows while it streams in, so that a body of any length costs the memory of one row.
//!
//! Only the two outer levels are read here (the envelope's object and the array in `data`). A row is read by `wire` right
//! where it stands; one that is cut, or is not good, is found whole by counting brackets and read again. The result does not depend on where the chunks were cut.

use memchr::memchr2;

use super::json::DEPTH_LIMIT;
use super::rows::DecodedRows;
use crate::model::Malformed;

/// The longest single row, and the longest value beside `data`, in bytes.
const VALUE_LIMIT: usize = 1 << 20;

/// Room is made beforehand for a body of so many bytes at most: its length is only what its sender says it is.
const EXPECTED_LIMIT: usize = 8 << 20;

/// What the envelope said.
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
    expect: Expect,
    scan: Scan,
    key: String,
    success: Option<bool>,
    message: Option<String>,
    code: Option<u16>,
    total: Option<u64>,
    data_seen: bool,
    is_array: bool,
    rows: DecodedRows,
}

#[derive(Clone, Copy, PartialEq)]
enum Expect {
    Open,
    KeyOrClose,
    Key,
    Colon,
    JsonValue,
    CommaOrClose,
    RowOrClose,
    MemberRecord,
    RowCommaOrClose,
    Nothing,
}

/// How far the value that begins at `EnvelopeReader::at` has been looked through.
#[derive(Clone, Copy, Default)]
struct Scan {
    seen: usize,
    depth: u32,
    in_string: bool,
}

/// The bytes at hand.
struct Input<'b> {
    bytes: &'b [u8],
    /// What of them is text, from a row's beginning on: found once for all rows that follow.
    text: Option<(usize, &'b str)>,
}

impl<'b> Input<'b> {
    /// The text that begins at this byte, as far as it is one.
    fn text(&mut self, at: usize) -> &'b str {
        let bytes = self.bytes;
        let (from, text) = *self.text.get_or_insert_with(|| (at, valid_utf8(&bytes[at..])));
        text.get(at - from..).unwrap_or_default()
    }
}

fn valid_utf8(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

impl EnvelopeReader {
    /// `rows_limit`: the most rows that are read.
    pub(in crate::upstream) fn new(rows_limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            at: 0,
            expect: Expect::Open,
            scan: Scan::default(),
            key: String::new(),
            success: None,
            message: None,
            code: None,
            total: None,
            data_seen: false,
            is_array: false,
            rows: DecodedRows::new(rows_limit),
        }
    }

    /// Makes room for a body of so many bytes; there may come more or fewer.
    pub(in crate::upstream) fn expect(&mut self, bytes: usize) {
        self.rows.expect(bytes.min(EXPECTED_LIMIT));
    }

    /// Takes the next bytes of the body.
    pub(in crate::upstream) fn push(&mut self, chunk: &[u8]) -> Result<(), Malformed> {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() {
            self.take(chunk)?;
            buffer.extend_from_slice(&chunk[self.at..]);
        } else {
            buffer.extend_from_slice(chunk);
            self.take(&buffer)?;
            buffer.drain(..self.at);
        }
        self.buffer = buffer;
        self.at = 0;
        if self.buffer.len() > VALUE_LIMIT { Err(Malformed::TooLarge) } else { Ok(()) }
    }

    /// Takes all tokens that are there.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut input = Input { bytes, text: None };
        while self.step(&mut input)? {}
        Ok(())
    }

    /// Ends the body.
    pub(in crate::upstream) fn finish(self) -> Result<Envelope, Malformed> {
        match self.expect {
            Expect::Nothing => {}
            Expect::Open => return Err(Malformed::Empty),
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

    /// Takes one token; `false` when more bytes are needed.
    fn step(&mut self, input: &mut Input<'_>) -> Result<bool, Malformed> {
        if self.scan.seen == 0 {
            while input.bytes.get(self.at).is_some_and(|b| b" \t\r\n".contains(b)) {
                self.at += 1;
            }
        }
        let Some(&byte) = input.bytes.get(self.at) else {
            return Ok(false);
        };
        let next = match (self.expect, byte) {
            (Expect::Open, b'{') => Expect::KeyOrClose,
            (Expect::KeyOrClose, b'}') | (Expect::CommaOrClose, b'}') => Expect::Nothing,
            (Expect::Colon, b':') => Expect::JsonValue,
            (Expect::CommaOrClose, b',') => Expect::Key,
            (Expect::RowOrClose, b']') | (Expect::RowCommaOrClose, b']') => Expect::CommaOrClose,
            (Expect::RowCommaOrClose, b',') => Expect::MemberRecord,
            (Expect::KeyOrClose | Expect::Key, b'"') => {
                return self.value(input, |reader, key| {
                    reader.key = serde_json::from_str(key).map_err(|_| Malformed::NotJson)?;
                    Ok(Expect::Colon)
                });
            }
            (Expect::JsonValue, b'[') if self.key == "data" && self.scan.seen == 0 => {
                self.data()?;
                self.is_array = true;
                Expect::RowOrClose
            }
            (Expect::JsonValue, _) => {
                return self.value(input, |reader, value| {
                    reader.envelope_value(value)?;
                    Ok(Expect::CommaOrClose)
                });
            }
            (Expect::RowOrClose | Expect::MemberRecord, _) => return self.row(input),
            _ => return Err(Malformed::NotJson),
        };
        self.at += 1;
        self.expect = next;
        Ok(true)
    }

    /// Takes one row, if it is all there. A good one is read where it stands; of any other the end is found first, so that
    /// the next can be.
    fn row(&mut self, input: &mut Input<'_>) -> Result<bool, Malformed> {
        if self.scan.seen == 0
            && let Some(length) = self.rows.read_front(input.text(self.at))?
        {
            self.at += length;
            self.expect = Expect::RowCommaOrClose;
            return Ok(true);
        }
        self.value(input, |reader, row| {
            reader.rows.read(row)?;
            Ok(Expect::RowCommaOrClose)
        })
    }

    /// Takes one whole value, if it is all there.
    fn value(
        &mut self,
        input: &Input<'_>,
        take: impl FnOnce(&mut Self, &str) -> Result<Expect, Malformed>,
    ) -> Result<bool, Malformed> {
        let Some(length) = self.scan.find_end(&input.bytes[self.at..])? else {
            return Ok(false);
        };
        let text = std::str::from_utf8(&input.bytes[self.at..self.at + length]);
        self.expect = take(self, text.map_err(|_| Malformed::NotUtf8)?)?;
        self.at += length;
        self.scan = Scan::default();
        Ok(true)
    }

    fn data(&mut self) -> Result<(), Malformed> {
        // Two of them: which one would be the team?
        if std::mem::replace(&mut self.data_seen, true) { Err(Malformed::WrongShape) } else { Ok(()) }
    }

    fn envelope_value(&mut self, text: &str) -> Result<(), Malformed> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|_| Malformed::NotJson)?;
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

impl Scan {
    /// The length of the value at the front of `bytes`, or `None` while its end is not in sight.
    fn find_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        while let Some(&byte) = bytes.get(self.seen) {
            if self.in_string {
                match memchr2(b'"', b'\\', &bytes[self.seen..]) {
                    Some(offset) if bytes[self.seen + offset] == b'"' => {
                        self.seen += offset + 1;
                        self.in_string = false;
                        if self.depth == 0 {
                            return Ok(Some(self.seen));
                        }
                    }
                    // The escaped character belongs to the escape; wait until it is there.
                    Some(offset) if self.seen + offset + 1 < bytes.len() => self.seen += offset + 2,
                    Some(offset) => {
                        self.seen += offset;
                        return Ok(None);
                    }
                    None => self.seen = bytes.len(),
                }
                continue;
            }
            match byte {
                b'"' if self.depth == 0 && self.seen > 0 => return Err(Malformed::NotJson),
                b'"' => self.in_string = true,
                b'{' | b'[' if self.depth == 0 && self.seen > 0 => return Err(Malformed::NotJson),
                b'{' | b'[' if self.depth == DEPTH_LIMIT => return Err(Malformed::TooDeep),
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth == 1 => {
                    self.seen += 1;
                    return Ok(Some(self.seen));
                }
                b'}' | b']' if self.depth > 1 => self.depth -= 1,
                // A number or a word ends where something else begins.
                b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                    return if self.seen == 0 { Err(Malformed::NotJson) } else { Ok(Some(self.seen)) };
                }
                _ => {}
            }
            self.seen += 1;
        }
        Ok(None)
    }
}
