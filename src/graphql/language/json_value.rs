//! A JSON text as values that keep the digits of their numbers, and borrow whatever stands in the text as it is.
//!
//! The text is known to be JSON: the transport has checked it, and how deeply it nests.

use std::borrow::Cow;

use async_graphql_value::ConstValue;
use smallvec::SmallVec;

use super::scalar_rules::WrittenNumber;

/// A JSON value.
#[derive(Debug, PartialEq)]
pub(super) enum JsonValue<'t> {
    Null,
    Boolean(bool),
    /// As written.
    Number(&'t str),
    String(Cow<'t, str>),
    List(Vec<JsonValue<'t>>),
    Object(Vec<(Cow<'t, str>, JsonValue<'t>)>),
}

impl<'t> JsonValue<'t> {
    /// Reads a text; `None` where it is not JSON.
    pub(super) fn read(text: &'t str) -> Option<Self> {
        let mut reader = JsonValueReader { text, at: 0 };
        let value = reader.value()?;
        (reader.peek().is_none()).then_some(value)
    }

    /// The value for a scalar that takes any.
    pub(super) fn untyped(&self) -> ConstValue {
        match self {
            Self::Null => ConstValue::Null,
            Self::Boolean(truth) => ConstValue::Boolean(*truth),
            Self::Number(number) => WrittenNumber(number).untyped(),
            Self::String(text) => ConstValue::String(text.to_string()),
            Self::List(items) => ConstValue::List(items.iter().map(Self::untyped).collect()),
            Self::Object(members) => {
                let member = |(key, value): &(Cow<'_, str>, Self)| (async_graphql::Name::new(key), value.untyped());
                ConstValue::Object(members.iter().map(member).collect())
            }
        }
    }
}

/// The members of an object, of which requests have few.
pub(super) type JsonMembers<'t, T> = SmallVec<[(Cow<'t, str>, T); 2]>;

/// Reads a text from its beginning to its end.
pub(super) struct JsonValueReader<'t> {
    pub(super) text: &'t str,
    /// How far it has been read.
    pub(super) at: usize,
}

impl<'t> JsonValueReader<'t> {
    /// Reads a text that is an object, with `value` for each of its members' values; `None` where it is no such text.
    pub(super) fn members<T>(
        text: &'t str,
        mut value: impl FnMut(&mut Self, &str) -> Option<T>,
    ) -> Option<JsonMembers<'t, T>> {
        let mut reader = Self { text, at: 0 };
        (reader.peek()? == b'{').then_some(())?;
        let mut members = SmallVec::new();
        reader.object_of(|reader, key| {
            let value = value(reader, &key)?;
            members.push((key, value));
            Some(())
        })?;
        (reader.peek().is_none()).then_some(members)
    }

    /// The next byte that is not white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).unwrap_or(rest.len());
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over the next byte, if it is this one.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn value(&mut self) -> Option<JsonValue<'t>> {
        match self.peek()? {
            b'"' => self.string().map(JsonValue::String),
            b'[' => self.list().map(JsonValue::List),
            b'{' => self.object().map(JsonValue::Object),
            _ => match self.word() {
                "null" => Some(JsonValue::Null),
                "true" => Some(JsonValue::Boolean(true)),
                "false" => Some(JsonValue::Boolean(false)),
                number => {
                    number.starts_with(|c: char| c == '-' || c.is_ascii_digit()).then_some(JsonValue::Number(number))
                }
            },
        }
    }

    fn word(&mut self) -> &'t str {
        let rest = &self.text[self.at..];
        let end = |c: char| matches!(c, ',' | ']' | '}' | ' ' | '\t' | '\r' | '\n');
        let word = &rest[..rest.find(end).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn string(&mut self) -> Option<Cow<'t, str>> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let (mut at, mut escaped) = (start + 1, false);
        loop {
            match bytes.get(at)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        self.at = at + 1;
        if escaped {
            return serde_json::from_str::<String>(self.text.get(start..=at)?).ok().map(Cow::Owned);
        }
        self.text.get(start + 1..at).map(Cow::Borrowed)
    }

    fn list(&mut self) -> Option<Vec<JsonValue<'t>>> {
        let mut items = Vec::new();
        self.at += 1;
        if self.take(b']') {
            return Some(items);
        }
        loop {
            items.push(self.value()?);
            if self.take(b']') {
                return Some(items);
            }
            self.take(b',').then_some(())?;
        }
    }

    fn object(&mut self) -> Option<Vec<(Cow<'t, str>, JsonValue<'t>)>> {
        let mut members = Vec::new();
        self.object_of(|reader, key| {
            members.push((key, reader.value()?));
            Some(())
        })?;
        Some(members)
    }

    /// Reads an object, with `member` for each of its members, once the reader is at its value.
    fn object_of(&mut self, mut member: impl FnMut(&mut Self, Cow<'t, str>) -> Option<()>) -> Option<()> {
        self.at += 1;
        if self.take(b'}') {
            return Some(());
        }
        loop {
            (self.peek()? == b'"').then_some(())?;
            let key = self.string()?;
            self.take(b':').then_some(())?;
            member(self, key)?;
            if self.take(b'}') {
                return Some(());
            }
            self.take(b',').then_some(())?;
        }
    }
}
