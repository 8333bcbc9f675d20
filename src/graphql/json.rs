//! Writers of JSON text: strings, numbers and constant pieces. The output is the same as serde_json's, byte for byte.

use crate::model::{PRINTED, Timestamp};

/// A piece of JSON that is written over and over. A short one is written in one step of fixed length, and the
/// excess is taken off again: this needs no call, as a copy does whose length is not known beforehand.
#[derive(Debug)]
pub(super) struct JsonPiece {
    json: Box<str>,
    start: [u8; SHORT],
}

const SHORT: usize = 16;

impl From<String> for JsonPiece {
    fn from(json: String) -> Self {
        let mut start = [0; SHORT];
        let length = json.len().min(SHORT);
        start[..length].copy_from_slice(&json.as_bytes()[..length]);
        Self { json: json.into(), start }
    }
}

impl JsonPiece {
    /// Appends it.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let length = self.json.len();
        if length <= SHORT {
            let end = out.len() + length;
            out.extend_from_slice(&self.start);
            out.truncate(end);
        } else {
            out.extend_from_slice(self.json.as_bytes());
        }
    }
}

/// Appends what is JSON already.
pub(super) fn raw(out: &mut Vec<u8>, json: &str) {
    out.extend_from_slice(json.as_bytes());
}

/// Appends a string in quotes.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape(out, text.as_bytes());
    out.push(b'"');
}

/// Appends text without quotes around it, escaped.
fn escape(out: &mut Vec<u8>, mut text: &[u8]) {
    loop {
        let clean = clean(text);
        out.extend_from_slice(&text[..clean]);
        let Some(&byte) = text.get(clean) else { return };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            byte => {
                let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)]);
            }
        }
        text = &text[clean + 1..];
    }
}

/// How many bytes at the front need no escape: eight at a time, then one by one.
fn clean(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const TOPS: u64 = ONES << 7;
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
    let mut at = 0;
    while let Some(word) = text[at..].first_chunk() {
        let word = u64::from_ne_bytes(*word);
        // Below a space, a quote, or a backslash. A false alarm only costs the walk below.
        let below = word.wrapping_sub(ONES * 0x20) & !word & TOPS;
        if below | has_zero(word ^ (ONES * u64::from(b'"'))) | has_zero(word ^ (ONES * u64::from(b'\\'))) != 0 {
            break;
        }
        at += 8;
    }
    let rest = text[at..].iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\');
    rest.map_or(text.len(), |rest| at + rest)
}

/// Appends an integer.
pub(super) fn integer(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a time.
pub(super) fn timestamp(out: &mut Vec<u8>, at: Timestamp) {
    // No time prints with anything to escape. One piece of fixed length is appended without a call.
    let mut json = [b'"'; PRINTED + 2];
    json[1..=PRINTED].copy_from_slice(&at.printed());
    out.extend_from_slice(&json);
}

/// Appends a truth.
pub(super) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Appends nothing's name.
pub(super) fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}
