//! What the values of a row say: text, identifiers, addresses, names, numbers, each read from its JSON.

use super::json::{Kind, Value};

/// The longest identifier that is taken for one, in bytes.
const ID_LIMIT: usize = 128;

/// What became of one value.
pub(super) enum Read<T> {
    Value(T),
    /// There, but nothing: an empty string.
    Empty,
    Unreadable,
}

impl<T> Read<T> {
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Empty | Self::Unreadable => None,
        }
    }
}

/// A string's characters.
pub(super) enum Found<'t> {
    /// As they stand in the text, between quotes.
    Plain(&'t str),
    /// Once its escapes were read.
    Escaped(String),
}

impl Found<'_> {
    pub(super) fn plain(&self) -> &str {
        match self {
            Self::Plain(raw) => &raw[1..raw.len() - 1],
            Self::Escaped(text) => text,
        }
    }
}

pub(super) fn string(value: Value<'_>) -> Option<Found<'_>> {
    match value.kind {
        Kind::Plain => Some(Found::Plain(value.raw)),
        Kind::Escaped => serde_json::from_str(value.raw).ok().map(Found::Escaped),
        Kind::Null | Kind::Other => None,
    }
}

/// A string that may be empty.
pub(super) fn text(value: Value<'_>) -> Read<Found<'_>> {
    string(value).map_or(Read::Unreadable, Read::Value)
}

/// A string that means something only when it is not empty.
pub(super) fn some_text(value: Value<'_>) -> Read<Found<'_>> {
    match text(value) {
        Read::Value(text) if text.plain().is_empty() => Read::Empty,
        read => read,
    }
}

pub(super) fn identifier(value: Value<'_>) -> Read<Found<'_>> {
    let odd = |id: &str| !is_graphic(id) && id.chars().any(|c| c.is_control() || c.is_whitespace());
    match some_text(value) {
        Read::Value(id) if id.plain().len() > ID_LIMIT || odd(id.plain()) => Read::Unreadable,
        read => read,
    }
}

/// Whether a text is of visible ASCII characters alone, as nearly all identifiers and addresses are.
fn is_graphic(text: &str) -> bool {
    // Without a way out in the middle, so that many bytes are looked at in one step.
    text.bytes().fold(true, |graphic, byte| graphic & byte.is_ascii_graphic())
}

/// A string that is one of some names, or otherwise has a form of its own.
pub(super) fn named<T>(parse: impl FnOnce(&str) -> Option<T>) -> impl FnOnce(Value<'_>) -> Read<T> {
    |value| match some_text(value) {
        Read::Value(text) => parse(text.plain()).map_or(Read::Unreadable, Read::Value),
        Read::Empty => Read::Empty,
        Read::Unreadable => Read::Unreadable,
    }
}

/// A web address. Others (`javascript:`, relative ones) would be a trap for whoever puts it into a page.
pub(super) fn url(value: Value<'_>) -> Read<Found<'_>> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\');
    let is_url = |text: &str| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']));
        let has_odd = if is_graphic(text) { text.contains(['"', '<', '>', '\\']) } else { text.contains(odd) };
        has_host && !has_odd
    };
    match some_text(value) {
        Read::Value(text) if !is_url(text.plain()) => Read::Unreadable,
        read => read,
    }
}

/// An integer of 32 bits.
pub(super) fn integer(value: Value<'_>) -> Read<i32> {
    let digits = value.raw.as_bytes();
    // The most there are; the rest is for the library to judge.
    if (1..9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        return Read::Value(digits.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0')));
    }
    json(value)
}

pub(super) fn json<T: serde::de::DeserializeOwned>(value: Value<'_>) -> Read<T> {
    serde_json::from_str(value.raw).map_or(Read::Unreadable, Read::Value)
}
