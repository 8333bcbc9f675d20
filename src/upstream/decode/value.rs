//! The values of a row: text, identifiers, addresses, names, numbers, each read from its JSON.

use std::borrow::Cow;

use super::json::{JsonKind, RawJsonValue};
use crate::model::JsonStr;

/// The longest identifier that is taken for one, in bytes.
const ID_LIMIT: usize = 128;

/// The length of an empty string's JSON.
const EMPTY: usize = 2;

/// The text between a string's quotes.
fn inner(raw: &str) -> &str {
    &raw[1..raw.len() - 1]
}

/// The result of reading one value.
pub(in crate::upstream) enum ReadValue<T> {
    Value(T),
    /// There, but nothing: an empty string.
    Empty,
    Unreadable,
}

impl<T> ReadValue<T> {
    pub(in crate::upstream) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Empty | Self::Unreadable => None,
        }
    }
}

/// A string's characters.
pub(in crate::upstream) enum DecodedValue<'t> {
    /// As they stand in the text, between quotes.
    Json(JsonStr<'t>),
    /// Once its escapes were read.
    Decoded(String),
}

impl DecodedValue<'_> {
    #[inline]
    pub(in crate::upstream) fn plain(&self) -> Cow<'_, str> {
        match self {
            Self::Json(json) => json.plain(),
            Self::Decoded(text) => Cow::Borrowed(text),
        }
    }

    #[inline]
    pub(in crate::upstream) fn with_json<T>(self, take: impl FnOnce(JsonStr<'_>) -> T) -> T {
        match self {
            Self::Json(json) => take(json),
            Self::Decoded(text) => JsonStr::of(&text, take),
        }
    }
}

#[inline]
pub(in crate::upstream) fn string(value: RawJsonValue<'_>) -> Option<DecodedValue<'_>> {
    match value.kind {
        JsonKind::Plain => Some(DecodedValue::Json(JsonStr::new(value.raw, false))),
        JsonKind::Canonical => Some(DecodedValue::Json(JsonStr::new(value.raw, true))),
        JsonKind::Escaped => serde_json::from_str(value.raw).ok().map(DecodedValue::Decoded),
        JsonKind::Null | JsonKind::Other => None,
    }
}

/// A string that may be empty.
#[inline]
pub(in crate::upstream) fn text(value: RawJsonValue<'_>) -> ReadValue<DecodedValue<'_>> {
    string(value).map_or(ReadValue::Unreadable, ReadValue::Value)
}

/// A string that means something only when it is not empty.
#[inline]
pub(in crate::upstream) fn some_text(value: RawJsonValue<'_>) -> ReadValue<DecodedValue<'_>> {
    match value.kind {
        JsonKind::Plain if value.raw.len() == EMPTY => ReadValue::Empty,
        // An escape is never nothing.
        _ => text(value),
    }
}

#[inline]
pub(in crate::upstream) fn identifier(value: RawJsonValue<'_>) -> ReadValue<DecodedValue<'_>> {
    let odd = |id: &str| !are_all(id, is_graphic) && id.chars().any(|c| c.is_control() || c.is_whitespace());
    let fits = |id: &str| id.len() <= ID_LIMIT && !odd(id);
    some_text_that(value, fits)
}

/// A string that is not empty and passes a test.
#[inline]
fn some_text_that(value: RawJsonValue<'_>, fits: impl FnOnce(&str) -> bool) -> ReadValue<DecodedValue<'_>> {
    if value.kind == JsonKind::Plain {
        return match value.raw.len() {
            EMPTY => ReadValue::Empty,
            _ if fits(inner(value.raw)) => ReadValue::Value(DecodedValue::Json(JsonStr::new(value.raw, false))),
            _ => ReadValue::Unreadable,
        };
    }
    match text(value) {
        ReadValue::Value(text) if !fits(&text.plain()) => ReadValue::Unreadable,
        read => read,
    }
}

/// Whether a byte is a printed character of ASCII, in a form that many bytes can be looked at together.
#[inline]
fn is_graphic(byte: u8) -> bool {
    (byte > b' ') & (byte < 0x7f)
}

/// Whether all bytes of a text are such, as they are of nearly all identifiers and addresses.
#[inline]
fn are_all(text: &str, such: impl Fn(u8) -> bool) -> bool {
    const STEP: usize = 16;
    // Without a way out in the middle and by index, so that the bytes of a step are looked at together.
    let all = |bytes: &[u8; STEP]| {
        let (mut others, mut at) = ([0; STEP], 0);
        while at < STEP {
            others[at] = u8::from(!such(bytes[at]));
            at += 1;
        }
        u128::from_le_bytes(others) == 0
    };
    let bytes = text.as_bytes();
    let Some(last) = bytes.last_chunk() else { return bytes.iter().all(|byte| such(*byte)) };
    // What is left of the last step lies in the last bytes.
    bytes.as_chunks().0.iter().all(&all) && all(last)
}

/// A string that is one of some names, or otherwise has a form of its own.
pub(in crate::upstream) fn named<T>(
    parse: impl FnOnce(&str) -> Option<T>,
) -> impl FnOnce(RawJsonValue<'_>) -> ReadValue<T> {
    |value| match value.kind {
        JsonKind::Plain if value.raw.len() == EMPTY => ReadValue::Empty,
        JsonKind::Plain => parse(inner(value.raw)).map_or(ReadValue::Unreadable, ReadValue::Value),
        _ => string(value).and_then(|text| parse(&text.plain())).map_or(ReadValue::Unreadable, ReadValue::Value),
    }
}

/// A web address. Others (`javascript:`, relative ones) would be unsafe in a page.
pub(in crate::upstream) fn url(value: RawJsonValue<'_>) -> ReadValue<DecodedValue<'_>> {
    let is_usual = |byte: u8| is_graphic(byte) & (byte != b'"') & (byte != b'<') & (byte != b'>') & (byte != b'\\');
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\');
    let is_url = |text: &str| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']));
        has_host && (are_all(text, is_usual) || !text.contains(odd))
    };
    some_text_that(value, is_url)
}

pub(in crate::upstream) fn truth(value: RawJsonValue<'_>) -> ReadValue<bool> {
    match value.raw {
        "true" => ReadValue::Value(true),
        "false" => ReadValue::Value(false),
        _ => ReadValue::Unreadable,
    }
}

/// An integer of 32 bits.
pub(in crate::upstream) fn integer(value: RawJsonValue<'_>) -> ReadValue<i32> {
    let digits = value.raw.as_bytes();
    // The most there are; the rest is for the library to judge.
    if (1..9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        return ReadValue::Value(digits.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0')));
    }
    serde_json::from_str(value.raw).map_or(ReadValue::Unreadable, ReadValue::Value)
}
