//! Finds where the next row, or the rest of the envelope, begins behind a row whose brackets or quotes do not match.
//!
//! It takes the text byte by byte, strings and all, and looks for what stands between rows and nowhere in one: a comma, an
//! object and the key that rows begin with; or the end of an array, a comma and a key of the envelope; or, at the very end of
//! the body, the last three brackets. Invariant: it is not safe any more once it has passed by an object that is no field's
//! value, because that may have been a row.

use super::fields::RowKey;

/// The longest key that is looked for, and the longest text from the comma to the colon, in bytes.
const KEY_LIMIT: usize = 40;
const LENGTH_LIMIT: usize = 4096;
/// The keys of an envelope.
const ENVELOPE_KEYS: [&[u8]; 5] = [b"success", b"message", b"code", b"total", b"meta"];

/// How much of a boundary has been seen.
#[derive(Clone, Copy)]
pub(super) struct BoundaryFinder {
    state: BoundaryState,
    /// The last two bytes that are no space, the last one first.
    last: [u8; 2],
    /// Where the next row's bracket is, or that of the list's end.
    at: usize,
    since: usize,
    key: ObjectKey,
    is_safe: bool,
}

/// The end of a row that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boundary {
    /// The next row, whose bracket is there.
    Row(usize),
    /// The list's end, whose bracket is there.
    ListEnd(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BoundaryState {
    /// Nothing of a boundary.
    Inside,
    /// `,`
    Comma,
    /// `,{`
    Object,
    /// `,{"…`, and the same with its closing quote.
    RowKey,
    RowKeyEnd,
    /// `}`
    Closed,
    /// `]`
    ListEnd,
    /// `],`
    ListEndComma,
    /// `],"…`, and the same with its closing quote.
    EnvelopeKey,
    EnvelopeKeyEnd,
    /// `}]`, with which the envelope's bracket may be all that is left, and that.
    LastBrackets,
    Everything,
}

#[derive(Clone, Copy)]
struct ObjectKey {
    bytes: [u8; KEY_LIMIT],
    length: usize,
}

impl BoundaryFinder {
    /// In a row that begins behind this byte.
    pub(super) fn behind(byte: u8) -> Self {
        let state = match byte {
            b',' => BoundaryState::Comma,
            b'}' => BoundaryState::Closed,
            _ => BoundaryState::Inside,
        };
        let key = ObjectKey { bytes: [0; KEY_LIMIT], length: 0 };
        Self { state, last: [byte, 0], at: 0, since: 0, key, is_safe: true }
    }

    /// Where a boundary may have begun: from there on the text has to be kept.
    pub(super) fn pending(&self) -> Option<usize> {
        (self.state != BoundaryState::Inside).then_some(self.since)
    }

    /// Whether no row can have been passed by.
    pub(super) fn is_safe(&self) -> bool {
        self.is_safe
    }

    /// Whether the list and the envelope have ended, when the text ends here.
    pub(super) fn is_over(&self) -> bool {
        self.state == BoundaryState::Everything
    }

    /// Takes the byte at `at`. `is_broken` says that a bracket here can be no part of a row that is JSON; `first_key` is the key
    /// that rows begin with, as far as it is known.
    pub(super) fn take(&mut self, byte: u8, at: usize, is_broken: bool, first_key: Option<&str>) -> Option<Boundary> {
        let in_key = matches!(self.state, BoundaryState::RowKey | BoundaryState::EnvelopeKey);
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') && !in_key {
            return None;
        }
        let (state, last) = (self.state, self.last);
        self.last = [byte, last[0]];
        self.state = match (state, byte) {
            (BoundaryState::RowKey, b'"') => BoundaryState::RowKeyEnd,
            (BoundaryState::EnvelopeKey, b'"') => BoundaryState::EnvelopeKeyEnd,
            (BoundaryState::RowKey | BoundaryState::EnvelopeKey, _) if self.key.push(byte) => state,
            (BoundaryState::RowKeyEnd, b':') if self.key.begins_rows(first_key) => return Some(Boundary::Row(self.at)),
            (BoundaryState::EnvelopeKeyEnd, b':') if ENVELOPE_KEYS.contains(&self.key.name()) => {
                return Some(Boundary::ListEnd(self.at));
            }
            (BoundaryState::Comma | BoundaryState::ListEndComma, b'{') if is_broken => {
                self.at = at;
                BoundaryState::Object
            }
            (BoundaryState::Object, b'"') => self.open_key(BoundaryState::RowKey),
            (BoundaryState::ListEndComma, b'"') => self.open_key(BoundaryState::EnvelopeKey),
            (BoundaryState::Closed, b']') if is_broken => BoundaryState::LastBrackets,
            (BoundaryState::LastBrackets, b'}') => BoundaryState::Everything,
            (BoundaryState::LastBrackets | BoundaryState::ListEnd, b',') => BoundaryState::ListEndComma,
            (_, b']') if is_broken => BoundaryState::ListEnd,
            (_, b',') => BoundaryState::Comma,
            (_, b'}') => BoundaryState::Closed,
            _ => BoundaryState::Inside,
        };
        match self.state {
            BoundaryState::Comma | BoundaryState::Closed => self.since = at,
            BoundaryState::ListEnd => (self.since, self.at) = (at, at),
            BoundaryState::LastBrackets => self.at = at,
            _ => {}
        }
        let is_candidate =
            |state| matches!(state, BoundaryState::Object | BoundaryState::RowKey | BoundaryState::RowKeyEnd);
        let rejected = is_candidate(state) && !is_candidate(self.state);
        // The value of a field, or one with a mark too many or too few before it.
        let is_value = matches!(last, [0 | b':' | b'{' | b'"', _] | [b'}' | b']' | b'\\', b':']);
        let passed_by = byte == b'{' && self.state != BoundaryState::Object && !is_value;
        self.is_safe &= !rejected && !passed_by;
        if self.state != BoundaryState::Inside && at.saturating_sub(self.since) > LENGTH_LIMIT {
            self.is_safe &= !is_candidate(self.state);
            self.state = BoundaryState::Inside;
        }
        None
    }

    fn open_key(&mut self, state: BoundaryState) -> BoundaryState {
        self.key.length = 0;
        state
    }
}

impl ObjectKey {
    fn push(&mut self, byte: u8) -> bool {
        let fits = (byte.is_ascii_alphanumeric() || byte == b'_') && self.length < KEY_LIMIT;
        if fits {
            self.bytes[self.length] = byte;
            self.length += 1;
        }
        fits
    }

    fn name(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Whether rows begin with it: it is the one that others began with, or, where none is known, one that rows have.
    fn begins_rows(&self, first_key: Option<&str>) -> bool {
        match first_key {
            Some(first_key) => first_key.as_bytes() == self.name(),
            None => std::str::from_utf8(self.name()).is_ok_and(|name| !matches!(RowKey::of(name), RowKey::Unknown)),
        }
    }
}
