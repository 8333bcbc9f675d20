//! The tree of an answer's fields, written while its data is read beside the document: each key is a field of the object's type,
//! and the document knows its name and its type. It ends where the limit of nodes is reached.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::errors::{ErrorTree, TraceError};
use super::selections::{SelectionReader, TracedField, TracedSelections};
use super::writer::{NestedField, OpenField, TraceWriter};

/// What a trace may come to.
#[derive(Clone, Copy)]
pub(super) struct TraceLimits {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
}

/// Writes the nodes of one answer.
pub(super) struct NodeWriter<'d> {
    reader: SelectionReader<'d>,
    /// The types of the objects in a root field whose own type is abstract, by its response key.
    types: &'d HashMap<Box<str>, Vec<&'static str>>,
    /// The time of each error.
    error_time_ns: u64,
    /// How many nodes there may be more.
    nodes_left: usize,
    is_incomplete: bool,
    bytes_limit: usize,
    out: TraceWriter,
}

impl<'d> NodeWriter<'d> {
    pub(super) fn new(
        reader: SelectionReader<'d>,
        types: &'d HashMap<Box<str>, Vec<&'static str>>,
        error_time_ns: u64,
        limits: TraceLimits,
    ) -> Self {
        let (nodes_left, bytes_limit) = (limits.nodes, limits.bytes);
        let out = TraceWriter::default();
        Self { reader, types, error_time_ns, nodes_left, is_incomplete: false, bytes_limit, out }
    }

    /// Writes the root, which is an object of this type: the bytes, and whether any nodes are missing. Nothing where they are
    /// too many bytes.
    pub(super) fn write(
        mut self,
        selections: &TracedSelections<'d>,
        on: &'d str,
        data: &[u8],
        errors: &[TraceError],
    ) -> Option<(TraceWriter, bool)> {
        let root = self.out.open(NestedField::ROOT);
        let mut tree = ErrorTree::new(errors);
        let below = (!errors.is_empty()).then_some(&mut tree);
        let value = AnswerValue { nodes: &mut self, selections, of: Objects::One(on), errors: below };
        let is_read = value.deserialize(&mut serde_json::Deserializer::from_slice(data)).is_ok();
        if self.is_too_long() {
            return None;
        }
        if !is_read {
            // The data is JSON that was just written. Should it not be, then there are errors alone.
            self.out.empty(&root);
            tree = ErrorTree::new(errors);
        }
        self.close(root, Some(tree));
        Some((self.out, self.is_incomplete))
    }

    fn is_too_long(&self) -> bool {
        self.out.len() > self.bytes_limit
    }

    /// Reads no further where there are too many bytes already.
    fn check_length<E: Error>(&self) -> Result<(), E> {
        if self.is_too_long() { Err(E::custom("the trace is too long")) } else { Ok(()) }
    }

    /// Takes the room of a node; false where there is none.
    fn take_room(&mut self) -> bool {
        let has_room = self.nodes_left > 0;
        self.nodes_left = self.nodes_left.saturating_sub(1);
        self.is_incomplete |= !has_room;
        has_room
    }

    /// Ends a node, with the errors that are left at it.
    fn close(&mut self, node: OpenField, errors: Option<ErrorTree<'_>>) {
        if let Some(errors) = errors {
            errors.write_to(&mut self.out, self.error_time_ns);
        }
        self.out.close(node);
    }
}

/// The types of the objects in a value.
#[derive(Clone, Copy)]
enum Objects<'d> {
    One(&'d str),
    /// Each item's own.
    Each(&'d [&'static str]),
}

/// A value of the answer: it becomes the nodes below it.
struct AnswerValue<'v, 'd, 'e> {
    nodes: &'v mut NodeWriter<'d>,
    selections: &'v TracedSelections<'d>,
    of: Objects<'d>,
    /// Those at its node and below.
    errors: Option<&'v mut ErrorTree<'e>>,
}

impl<'d> AnswerValue<'_, 'd, '_> {
    fn type_at(&self, index: usize) -> Option<&'d str> {
        match self.of {
            Objects::One(name) => Some(name),
            Objects::Each(names) => names.get(index).copied(),
        }
    }
}

impl<'de> DeserializeSeed<'de> for AnswerValue<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnswerValue<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        // The items of a list of scalars have no nodes.
        if self.selections.is_empty() {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        for index in 0.. {
            let Some(on) = self.type_at(index).filter(|_| self.nodes.nodes_left > 0) else {
                // The rest of the list is read over.
                while items.next_element::<IgnoredAny>()?.is_some() {
                    self.nodes.is_incomplete = true;
                }
                break;
            };
            let value = AnswerValue {
                nodes: &mut *self.nodes,
                selections: self.selections,
                of: Objects::One(on),
                errors: self.errors.as_deref_mut(),
            };
            if items.next_element_seed(ListItem { value, index })?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let on = self.type_at(0).unwrap_or_default();
        let nodes = self.nodes;
        let fields = self.selections.fields(&nodes.reader, on);
        let mut next = 0;
        while let Some(found) = map.next_key_seed(FieldKey { fields: &fields, next })? {
            next = found.map_or(next, |at| at + 1);
            let field = found.map(|at| &fields[at]).filter(|field| !field.is_meta && nodes.take_room());
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let mut errors = self.errors.as_mut().and_then(|errors| errors.take_key(field.key));
            if field.below.is_empty() && errors.is_none() {
                map.next_value::<IgnoredAny>()?;
                nodes.out.encoded(&field.empty_node);
            } else {
                let node = nodes.out.open(NestedField::CHILD);
                nodes.out.encoded(&field.constant);
                let names = nodes.types.get(field.key).filter(|_| self.selections.is_root() && field.is_abstract);
                let of = names.map_or(Objects::One(field.type_name), |names| Objects::Each(names));
                let value = AnswerValue { nodes: &mut *nodes, selections: &field.below, of, errors: errors.as_mut() };
                map.next_value_seed(value)?;
                nodes.close(node, errors);
            }
            nodes.check_length()?;
        }
        Ok(())
    }
}

/// An item of a list, which has a node where it is there.
struct ListItem<'v, 'd, 'e> {
    /// With the errors of the whole list.
    value: AnswerValue<'v, 'd, 'e>,
    index: usize,
}

impl<'de> DeserializeSeed<'de> for ListItem<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let AnswerValue { nodes, selections, of, errors } = self.value;
        nodes.take_room();
        let item = nodes.out.open(NestedField::CHILD);
        nodes.out.index(self.index);
        let mut errors = errors.and_then(|errors| errors.take_index(self.index));
        AnswerValue { nodes: &mut *nodes, selections, of, errors: errors.as_mut() }.deserialize(deserializer)?;
        nodes.close(item, errors);
        nodes.check_length()
    }
}

/// A key of an object: which of the fields it is, if it is one.
struct FieldKey<'f, 'd> {
    fields: &'f [TracedField<'d>],
    /// The one that is expected: the answer has them in the order in which they are collected.
    next: usize,
}

impl<'de> DeserializeSeed<'de> for FieldKey<'_, '_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldKey<'_, '_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a response key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        if self.fields.get(self.next).is_some_and(|field| field.key == key) {
            return Ok(Some(self.next));
        }
        Ok(self.fields.iter().position(|field| field.key == key))
    }
}
