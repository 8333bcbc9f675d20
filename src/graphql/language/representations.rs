//! Representations: a variable that is a list of `_Any`, read in one pass over its text.
//!
//! The representations of a request mostly differ in their ids only. One that does is kept as the place of its id, and read no
//! further: making a value of each costs several times what looking the entities up does. Values are made where something needs them.

use std::ops::Range;
use std::sync::OnceLock;

use async_graphql_value::ConstValue;
use memchr::memchr2;

use super::json_value::{JsonValue, JsonValueReader};

/// With so many of the distinct representations a next one is compared, the one it is most likely to be like first.
const COMPARED: usize = 8;

/// A list of representations, none of them null.
#[derive(Clone, Debug)]
pub(in crate::graphql) struct SentRepresentations {
    /// The list, as JSON.
    text: Box<str>,
    /// Those that were read as values.
    read: Vec<ReadRepresentation>,
    items: Vec<SentItem>,
    list: OnceLock<ConstValue>,
}

#[derive(Clone, Debug)]
struct ReadRepresentation {
    value: ConstValue,
    /// Where the text is and, in it, what its id says; `None` where others cannot be told by their ids alone.
    span: Option<(Range<usize>, Range<usize>)>,
}

#[derive(Clone, Debug)]
struct SentItem {
    /// Which of those that were read it is, apart from its id.
    like: u32,
    /// What its id says; `None` where it is the one that was read.
    id: Option<Range<u32>>,
}

/// A representation of a list.
#[derive(Clone, Copy, Debug)]
pub(in crate::graphql) struct SentRepresentation<'v> {
    /// Which of the distinct ones it is, apart from its id, counted from 0 in the order of the list.
    pub(in crate::graphql) like: usize,
    /// That one.
    pub(in crate::graphql) value: &'v ConstValue,
    /// Its own id, a string; `None` where it has the value's.
    pub(in crate::graphql) id: Option<&'v str>,
}

impl SentRepresentations {
    /// Reads the list that the reader is at; `None` where its text is no list, or has a null in it.
    pub(super) fn read(reader: &mut JsonValueReader<'_>) -> Option<Self> {
        reader.peek()?;
        let (start, whole) = (reader.at, reader.text);
        u32::try_from(whole.len()).ok()?;
        let mut list = RepresentationList { start, read: Vec::new(), items: Vec::new(), last: 0 };
        if !reader.take(b'[') {
            return None;
        }
        if !reader.take(b']') {
            loop {
                reader.peek()?;
                list.item(reader)?;
                if reader.take(b']') {
                    break;
                }
                reader.take(b',').then_some(())?;
            }
        }
        let RepresentationList { read, items, .. } = list;
        Some(Self { text: whole.get(start..reader.at)?.into(), read, items, list: OnceLock::new() })
    }

    /// How many there are.
    pub(in crate::graphql) fn len(&self) -> usize {
        self.items.len()
    }

    /// The list, as JSON, as it was sent.
    pub(super) fn json(&self) -> &str {
        &self.text
    }

    /// The list as a value.
    pub(in crate::graphql) fn value(&self) -> &ConstValue {
        self.list.get_or_init(|| JsonValue::read(&self.text).as_ref().map_or(ConstValue::Null, JsonValue::untyped))
    }

    /// The representations, in their order.
    pub(in crate::graphql) fn iter(&self) -> impl ExactSizeIterator<Item = SentRepresentation<'_>> {
        self.items.iter().map(|item| SentRepresentation {
            like: item.like as usize,
            value: &self.read[item.like as usize].value,
            id: item.id.as_ref().and_then(|id| self.text.get(id.start as usize..id.end as usize)),
        })
    }
}

/// A list that is being read.
struct RepresentationList {
    /// Where it begins in the text that is read.
    start: usize,
    read: Vec<ReadRepresentation>,
    items: Vec<SentItem>,
    /// The one of `read` that the last item is like.
    last: usize,
}

impl RepresentationList {
    /// Reads an item; `None` where it is null, or no JSON.
    fn item(&mut self, reader: &mut JsonValueReader<'_>) -> Option<()> {
        let recent = (self.read.len().saturating_sub(COMPARED)..self.read.len()).rev();
        let like = |like: &usize| Some((*like, self.read.get(*like)?.id_of_one_like_it(reader)?));
        let found = std::iter::once(self.last).chain(recent).find_map(|index| like(&index));
        let (like, id) = match found {
            Some((like, (id, end))) => {
                reader.at = end;
                (like, Some(self.place(id.start)?..self.place(id.end)?))
            }
            None => {
                self.read.push(ReadRepresentation::read(reader)?);
                (self.read.len() - 1, None)
            }
        };
        self.last = like;
        self.items.push(SentItem { like: u32::try_from(like).ok()?, id });
        Some(())
    }

    /// A place in the list's own text.
    fn place(&self, at: usize) -> Option<u32> {
        u32::try_from(at - self.start).ok()
    }
}

impl ReadRepresentation {
    fn read(reader: &mut JsonValueReader<'_>) -> Option<Self> {
        let start = reader.at;
        let value = reader.value()?;
        let span = start..reader.at;
        let id = match &value {
            JsonValue::Null => return None,
            JsonValue::Object(members) => {
                let mut ids = members.iter().filter(|(key, _)| key == "id");
                match (ids.next(), ids.next()) {
                    // Borrowed, so it lies in the text as it is.
                    (Some((_, JsonValue::String(std::borrow::Cow::Borrowed(id)))), None) => {
                        let at = id.as_ptr().addr() - reader.text.as_ptr().addr();
                        Some(at..at + id.len())
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        Some(Self { value: value.untyped(), span: id.map(|id| (span, id)) })
    }

    /// Where the id of the value that the reader is at lies, and where that value ends, if it is this one apart from the id.
    /// Its text is this one's then, so it need not be read.
    fn id_of_one_like_it(&self, reader: &JsonValueReader<'_>) -> Option<(Range<usize>, usize)> {
        let (span, id) = self.span.as_ref()?;
        let bytes = reader.text.as_bytes();
        let (before, after) = (&bytes[span.start..id.start], &bytes[id.end..span.end]);
        let start = reader.at + before.len();
        let rest = bytes[reader.at..].strip_prefix(before)?;
        let length = memchr2(b'"', b'\\', rest)?;
        // With a backslash it is no text that lies there as it is: what comes after begins with a quote.
        rest[length..].starts_with(after).then(|| (start..start + length, start + length + after.len()))
    }
}
