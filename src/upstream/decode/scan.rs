//! Finds the end of a value of the envelope by its brackets and quotes, while it arrives: a matter of counting, however deep
//! or long it is.
//!
//! A row whose brackets or quotes do not match ends where the next row begins (`boundary`). A closing bracket of the wrong kind
//! closes what was left open inside. Invariant: a row that is JSON ends where JSON says.

use super::boundary::{Boundary, BoundaryFinder};
use super::json::DEPTH_LIMIT;
use crate::model::Malformed;

/// How far the value has been scanned.
#[derive(Clone, Copy)]
pub(super) struct Scan {
    /// How many bytes of the input belong to it, and how many more were dropped because it is too long to be read.
    pub(super) seen: usize,
    pub(super) dropped: usize,
    pub(super) is_too_deep: bool,
    depth: u32,
    /// Which of the open brackets are those of arrays, the innermost in the lowest bit.
    arrays: u64,
    in_string: bool,
    escaped: bool,
    /// Whether nothing but a boundary ends it: it is the rest of a row that seemed to be over.
    is_rest: bool,
    finder: BoundaryFinder,
}

/// Where a value ends, in bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueEnd {
    /// By its own brackets.
    Value(usize),
    /// Where the next row begins, or the list ends.
    Broken(Boundary),
    /// There, but rows may have been passed by.
    Unsafe,
}

/// Why a value whose end is known cannot be read.
#[derive(Clone, Copy)]
pub(super) enum Unreadable {
    TooLong,
    TooDeep,
    NotUtf8,
}

impl Unreadable {
    /// The reason that is given for a row that is skipped for it.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "it is longer than 1 MiB",
            Self::TooDeep => "it is nested too deeply",
            Self::NotUtf8 => "it is not valid UTF-8",
        }
    }
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            seen: 0,
            dropped: 0,
            is_too_deep: false,
            depth: 0,
            arrays: 0,
            in_string: false,
            escaped: false,
            is_rest: false,
            finder: BoundaryFinder::behind(0),
        }
    }
}

impl Scan {
    /// Looks for what follows the rest of a row, which begins behind this byte.
    pub(super) fn of_rest(behind: u8) -> Self {
        Self { is_rest: true, finder: BoundaryFinder::behind(behind), ..Self::default() }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.length() > 0
    }

    pub(super) fn length(&self) -> usize {
        self.dropped + self.seen
    }

    /// How many of the bytes that were seen are needed no more, where it is not the value itself that is wanted.
    pub(super) fn drop_seen(&mut self) -> usize {
        let keep = self.finder.pending().unwrap_or(self.length());
        let dropped = keep.saturating_sub(self.dropped).min(self.seen);
        self.dropped += dropped;
        self.seen -= dropped;
        dropped
    }

    /// Whether the list and the envelope are over, when the body ends here in the middle of a broken row.
    pub(super) fn ends_with_body(&self) -> bool {
        self.finder.is_over() && self.finder.is_safe()
    }

    /// Whether the brackets and quotes of another row may be among those that were counted.
    pub(super) fn is_safe(&self) -> bool {
        self.finder.is_safe()
    }

    /// The end of the row at the front of `bytes`, or `None` while it is not in sight. Offsets count what was dropped.
    pub(super) fn find_row_end(
        &mut self,
        bytes: &[u8],
        first_key: Option<&str>,
    ) -> Result<Option<ValueEnd>, Malformed> {
        while let Some(&byte) = bytes.get(self.seen) {
            let is_broken = self.is_rest || self.in_string || self.is_in_object();
            let mut boundary = self.finder.take(byte, self.length(), is_broken, first_key);
            if byte == b']' && !self.in_string && self.is_in_object() && self.arrays == 0 {
                boundary = Some(Boundary::ListEnd(self.length()));
            }
            if let Some(boundary) = boundary {
                return Ok(Some(if self.finder.is_safe() { ValueEnd::Broken(boundary) } else { ValueEnd::Unsafe }));
            }
            if self.is_rest {
                self.seen += 1;
            } else if let Some(end) = self.take(byte)? {
                return Ok(Some(ValueEnd::Value(end)));
            }
        }
        Ok(None)
    }

    /// The same of a value that is no row.
    pub(super) fn find_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        while let Some(&byte) = bytes.get(self.seen) {
            if self.in_string && !self.escaped {
                self.seen += memchr::memchr2(b'"', b'\\', &bytes[self.seen..]).unwrap_or(bytes.len() - self.seen);
                if self.seen == bytes.len() {
                    break;
                }
            }
            let byte = bytes.get(self.seen).copied().unwrap_or(byte);
            if let Some(end) = self.take(byte)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// Takes the next byte; the value's length when it ends there.
    fn take(&mut self, byte: u8) -> Result<Option<usize>, Malformed> {
        if self.in_string {
            self.seen += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_string = false;
                    return Ok((self.depth == 0).then_some(self.length()));
                }
                _ => {}
            }
            return Ok(None);
        }
        match byte {
            b'"' | b'{' | b'[' if self.depth == 0 && self.has_begun() => return Err(Malformed::NotJson),
            b'"' => self.in_string = true,
            b'{' | b'[' => {
                self.is_too_deep |= self.depth >= DEPTH_LIMIT;
                self.depth = self.depth.saturating_add(1);
                self.arrays = self.arrays << 1 | u64::from(byte == b'[');
            }
            b'}' | b']' if self.depth > 0 => {
                self.close(byte == b']');
                if self.depth == 0 {
                    self.seen += 1;
                    return Ok(Some(self.length()));
                }
            }
            // A number or a word ends where something else begins.
            b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                return if self.has_begun() { Ok(Some(self.length())) } else { Err(Malformed::NotJson) };
            }
            _ => {}
        }
        self.seen += 1;
        Ok(None)
    }

    /// Closes the innermost bracket of this kind, and what was left open inside it.
    fn close(&mut self, is_array: bool) {
        // Of what is nested too deeply the kinds are not all known.
        while !self.is_too_deep && self.depth > 1 && (self.arrays & 1 == 1) != is_array {
            self.pop();
        }
        self.pop();
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.arrays >>= 1;
    }

    /// Whether a key or the end of an object is all that may stand here.
    fn is_in_object(&self) -> bool {
        self.depth > 0 && !self.is_too_deep && self.arrays & 1 == 0
    }
}
