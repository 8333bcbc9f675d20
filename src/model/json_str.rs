//! The texts of a roster: each is kept once, as the JSON string that goes into answers, and compared by its decoded value.
//!
//! A roster's texts lie in one buffer, so that a member costs no allocation, and two that lie together have the quote between them
//! in common. A text is escaped when it is read, not each time that it is written.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::num::NonZeroU32;

use memchr::memchr_iter;

/// A text, as a JSON string.
#[derive(Clone, Copy)]
pub struct JsonStr<'r> {
    json: &'r str,
    escaped: bool,
}

impl<'r> JsonStr<'r> {
    pub(super) const EMPTY: Self = Self { json: "\"\"", escaped: false };

    /// A text of this JSON string, quotes included, which is escaped as serde_json escapes, if at all.
    #[must_use]
    pub fn new(json: &'r str, escaped: bool) -> Self {
        Self { json, escaped }
    }

    /// Does something with what a text says, in JSON.
    pub fn of<T>(text: &str, take: impl FnOnce(JsonStr<'_>) -> T) -> T {
        let json = serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned());
        take(JsonStr { json: &json, escaped: json.contains('\\') })
    }

    /// The JSON string, quotes included, escaped as serde_json escapes.
    #[must_use]
    pub fn json(self) -> &'r str {
        self.json
    }

    /// The decoded text; borrowed unless the JSON has escapes.
    #[must_use]
    pub fn plain(self) -> Cow<'r, str> {
        if self.escaped {
            // What is kept was written by serde_json, so it can be read.
            Cow::Owned(serde_json::from_str(self.json).unwrap_or_default())
        } else {
            Cow::Borrowed(self.inner())
        }
    }

    /// How it compares with a text.
    #[must_use]
    pub fn cmp_plain(self, other: &str) -> Ordering {
        if self.escaped { self.plain().as_ref().cmp(other) } else { self.inner().cmp(other) }
    }

    fn inner(self) -> &'r str {
        &self.json[1..self.json.len() - 1]
    }
}

impl PartialEq for JsonStr<'_> {
    fn eq(&self, other: &Self) -> bool {
        // Escaping is a function of the text.
        self.json == other.json
    }
}

impl Eq for JsonStr<'_> {}

impl PartialEq<str> for JsonStr<'_> {
    fn eq(&self, other: &str) -> bool {
        if self.escaped { self.plain() == *other } else { self.inner() == other }
    }
}

impl Ord for JsonStr<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.escaped || other.escaped { self.plain().cmp(&other.plain()) } else { self.inner().cmp(other.inner()) }
    }
}

impl PartialOrd for JsonStr<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A list of texts, as a JSON array.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct JsonStrList<'r>(&'r str);

impl<'r> JsonStrList<'r> {
    /// The JSON array, without spaces, escaped as serde_json escapes.
    #[must_use]
    pub fn json(self) -> &'r str {
        self.0
    }

    /// How many texts there are.
    #[must_use]
    pub fn count(self) -> usize {
        let bytes = self.0.as_bytes();
        // Inside a text a quote has a backslash before it, so a comma between two quotes stands between two texts only.
        let is_between = |comma: &usize| bytes[comma - 1] == b'"' && bytes.get(comma + 1) == Some(&b'"');
        if self.0 == "[]" { 0 } else { memchr_iter(b',', bytes).filter(is_between).count() + 1 }
    }

    /// The texts.
    #[must_use]
    pub fn items(self) -> Vec<String> {
        serde_json::from_str(self.0).unwrap_or_default()
    }
}

/// Where a text is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonSpan {
    at: u32,
    /// The length; the highest bit says that the JSON has escapes.
    length: NonZeroU32,
}

const ESCAPED: u32 = 1 << 31;

impl JsonSpan {
    /// The same place in a buffer that has `before` bytes in front of this one.
    pub(super) fn moved(self, before: u32) -> Self {
        Self { at: self.at + before, ..self }
    }

    pub(super) fn start(self) -> usize {
        self.at as usize
    }

    pub(super) fn end(self) -> usize {
        self.at as usize + (self.length.get() & !ESCAPED) as usize
    }
}

const QUOTE: u8 = b'"';

/// The texts of a row take about so many lines of memory.
const ROW_LINES: usize = 4;

/// One part of so many may be room that is never used.
pub(super) const WASTE: usize = 16;

/// A buffer of texts. What is put into it stays until the whole is dropped.
#[derive(Default)]
pub(super) struct JsonArena(String);

impl JsonArena {
    /// The longest that a buffer can be.
    pub(super) const LIMIT: usize = ESCAPED as usize;

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    pub(super) fn reserve(&mut self, more: usize) {
        self.0.reserve(more);
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// Gives back room that nothing was put into, where it is much. (A block that is only made smaller may stay as it is.)
    pub(super) fn shrink(&mut self) {
        if self.0.capacity() - self.0.len() > self.0.len() / WASTE {
            self.0 = String::from(self.0.as_str());
        }
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    pub(super) fn get(&self, span: JsonSpan) -> JsonStr<'_> {
        JsonStr { json: self.slice(span), escaped: span.length.get() & ESCAPED != 0 }
    }

    pub(super) fn list(&self, span: JsonSpan) -> JsonStrList<'_> {
        JsonStrList(self.slice(span))
    }

    fn slice(&self, span: JsonSpan) -> &str {
        &self.0[span.start()..span.end()]
    }

    /// Keeps a text.
    pub(super) fn put(&mut self, text: JsonStr<'_>) -> JsonSpan {
        let start = self.0.len();
        let mut span = if self.0.as_bytes().last() == Some(&QUOTE) {
            self.0.push_str(&text.json[1..]);
            self.since(start - 1)
        } else {
            self.0.push_str(text.json);
            self.since(start)
        };
        if text.escaped {
            span.length |= ESCAPED;
        }
        span
    }

    /// Whether the JSON of the text or list at this span is this.
    pub(super) fn is_at(&self, span: JsonSpan, json: &str) -> bool {
        self.slice(span).as_bytes() == json.as_bytes()
    }

    /// A byte of each line of memory in which the texts from `first` on are that were put for the same row.
    pub(super) fn read_lines(&self, first: JsonSpan) -> u8 {
        const LINE: usize = 64;
        let of_row = self.0.as_bytes().get(first.at as usize..).unwrap_or_default();
        of_row.iter().step_by(LINE).take(ROW_LINES).fold(0, |read, byte| read ^ byte)
    }

    /// Begins a list; its texts are put between `next_item` and `close_list`.
    pub(super) fn open_list(&mut self) -> usize {
        self.0.push('[');
        self.0.len()
    }

    pub(super) fn next_item(&mut self, list: usize) {
        if self.0.len() > list {
            self.0.push(',');
        }
    }

    pub(super) fn close_list(&mut self, list: usize) -> JsonSpan {
        self.0.push(']');
        self.since(list - 1)
    }

    fn since(&self, start: usize) -> JsonSpan {
        // Within `LIMIT` nothing is cut off; past it the roster is refused (see `RosterBuilder::is_too_large`).
        let length = u32::try_from(self.0.len() - start).unwrap_or(ESCAPED - 1).max(1);
        JsonSpan {
            at: u32::try_from(start).unwrap_or(u32::MAX),
            length: NonZeroU32::new(length).unwrap_or(NonZeroU32::MIN),
        }
    }
}
