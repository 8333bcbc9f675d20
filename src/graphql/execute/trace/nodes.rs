//! The tree of an answer's fields, made by reading its data beside the document: each key is a field of the object's type, and
//! the document knows its name and its type. It ends where the limit of nodes is reached.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use apollo_compiler::executable::{Operation, SelectionSet};
use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::messages::{NodeId, TraceNode};
use crate::graphql::language::{Document, Truths};
use crate::graphql::plan::collect::{Collected, Collector};

/// A time from the start of the trace to another, in nanoseconds.
#[derive(Clone, Copy)]
pub(super) struct TraceInterval {
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Reads the data of one answer.
pub(super) struct NodeBuilder<'d> {
    document: &'d Document,
    collector: Collector<'d>,
    /// The types of the objects in a root field whose own type is abstract, by its response key.
    types: &'d HashMap<Box<str>, Vec<&'static str>>,
    root_span: TraceInterval,
    span: TraceInterval,
    /// How many nodes there may be more.
    room: Cell<usize>,
    is_incomplete: Cell<bool>,
    /// The fields that are selected of types, by where the selections are: those of an object in each row are collected once.
    known: RefCell<HashMap<SelectionsOfType<'d>, Rc<[TracedField<'d>]>>>,
}

/// Where the selections of an object are, and its type.
type SelectionsOfType<'d> = (*const &'d SelectionSet, &'d str);

/// A field, and what its nodes say of it.
struct TracedField<'d> {
    field: Collected<'d>,
    response_name: Bytes,
    of: Bytes,
    parent: Bytes,
    original_name: Bytes,
    /// What is about the schema is no work of a resolver.
    is_meta: bool,
    type_name: &'d str,
    is_abstract: bool,
}

impl<'d> NodeBuilder<'d> {
    /// `spans` are those of root fields, and of all others.
    pub(super) fn new(
        document: &'d Document,
        truths: Truths<'d>,
        types: &'d HashMap<Box<str>, Vec<&'static str>>,
        (root_span, span): (TraceInterval, TraceInterval),
        limit: usize,
    ) -> Self {
        let collector = Collector::new(document, truths);
        let (room, is_incomplete) = (Cell::new(limit), Cell::new(false));
        Self { document, collector, types, root_span, span, room, is_incomplete, known: RefCell::default() }
    }

    /// The nodes of the root fields, and whether any are missing.
    pub(super) fn build(&self, operation: &'d Operation, data: &[u8]) -> (Vec<TraceNode>, bool) {
        let root = operation.object_type().as_str();
        let sets = [&operation.selection_set];
        let values = AnswerValue { builder: self, sets: &sets, of: Objects::One(root), is_root: true };
        let nodes = values.deserialize(&mut serde_json::Deserializer::from_slice(data));
        // The data is JSON that was just written.
        (nodes.unwrap_or_default(), self.is_incomplete.get())
    }

    fn has_room(&self) -> bool {
        self.room.get() > 0
    }

    /// Takes the room of a node; false where there is none.
    fn take_room(&self) -> bool {
        let left = self.room.get();
        self.room.set(left.saturating_sub(1));
        self.is_incomplete.set(self.is_incomplete.get() || left == 0);
        left > 0
    }

    /// The fields that are selected of an object of this type. Nothing where a condition has no value: then the field
    /// has failed.
    fn fields(&self, sets: &[&'d SelectionSet], on: &'d str) -> Rc<[TracedField<'d>]> {
        // What is collected is kept, so nothing else comes to be where these selections are.
        let key = (sets.as_ptr(), on);
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let collected = self.collector.fields(sets, on).unwrap_or_default();
        let fields: Rc<[_]> = collected.into_iter().map(|field| self.traced(field, on)).collect();
        self.known.borrow_mut().insert(key, fields.clone());
        fields
    }

    fn traced(&self, collected: Collected<'d>, on: &str) -> TracedField<'d> {
        let (key, field) = (collected.key, collected.field);
        let type_name = field.definition.ty.inner_named_type().as_str();
        let of = self.document.schema().types.get(type_name);
        let original_name = if key == field.name.as_str() { "" } else { field.name.as_str() };
        TracedField {
            response_name: Bytes::copy_from_slice(key.as_bytes()),
            of: field.definition.ty.to_string().into(),
            parent: Bytes::copy_from_slice(on.as_bytes()),
            original_name: Bytes::copy_from_slice(original_name.as_bytes()),
            is_meta: field.name.starts_with("__"),
            type_name,
            is_abstract: of.is_some_and(|of| of.is_union() || of.is_interface()),
            field: collected,
        }
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
struct AnswerValue<'b, 'd> {
    builder: &'b NodeBuilder<'d>,
    sets: &'b [&'d SelectionSet],
    of: Objects<'d>,
    is_root: bool,
}

impl<'d> AnswerValue<'_, 'd> {
    fn type_at(&self, index: usize) -> Option<&'d str> {
        match self.of {
            Objects::One(name) => Some(name),
            Objects::Each(names) => names.get(index).copied(),
        }
    }
}

impl<'de> DeserializeSeed<'de> for AnswerValue<'_, '_> {
    type Value = Vec<TraceNode>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<TraceNode>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnswerValue<'_, '_> {
    type Value = Vec<TraceNode>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Vec<TraceNode>, E> {
        Ok(Vec::new())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Vec<TraceNode>, E> {
        Ok(Vec::new())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Vec<TraceNode>, E> {
        Ok(Vec::new())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Vec<TraceNode>, E> {
        Ok(Vec::new())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Vec<TraceNode>, E> {
        Ok(Vec::new())
    }

    fn visit_str<E>(self, _: &str) -> Result<Vec<TraceNode>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<TraceNode>, A::Error> {
        let mut nodes = Vec::new();
        // The items of a list of scalars have no nodes.
        if self.sets.is_empty() {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(nodes);
        }
        for index in 0.. {
            let item = self.type_at(index as usize).filter(|_| self.builder.has_room()).map(|name| AnswerValue {
                builder: self.builder,
                sets: self.sets,
                of: Objects::One(name),
                is_root: false,
            });
            let Some(item) = item else {
                // The rest of the list is read over.
                while items.next_element::<IgnoredAny>()?.is_some() {
                    self.builder.is_incomplete.set(true);
                }
                break;
            };
            let room = self.builder.room.replace(self.builder.room.get() - 1);
            let Some(child) = items.next_element_seed(item)? else {
                self.builder.room.set(room);
                break;
            };
            nodes.push(TraceNode { id: Some(NodeId::Index(index)), child, ..TraceNode::default() });
        }
        Ok(nodes)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<TraceNode>, A::Error> {
        let builder = self.builder;
        let on = self.type_at(0).unwrap_or_default();
        let fields = builder.fields(self.sets, on);
        let mut nodes = Vec::with_capacity(fields.len());
        let mut next = 0;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            // The answer has them in the order in which they are collected.
            let at = if fields.get(next).is_some_and(|known| known.field.key == key) {
                Some(next)
            } else {
                fields.iter().position(|known| known.field.key == key)
            };
            let found = at.map(|at| (at, &fields[at]));
            let found = found.filter(|(_, known)| !known.is_meta && builder.take_room());
            let Some((at, known)) = found else {
                next = at.map_or(next, |at| at + 1);
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            next = at + 1;
            let names = builder.types.get(known.field.key).filter(|_| self.is_root && known.is_abstract);
            let of = names.map_or(Objects::One(known.type_name), |names| Objects::Each(names));
            let value = AnswerValue { builder, sets: &known.field.below, of, is_root: false };
            let child = map.next_value_seed(value)?;
            let span = if self.is_root { builder.root_span } else { builder.span };
            nodes.push(TraceNode {
                id: Some(NodeId::ResponseName(known.response_name.clone())),
                r#type: known.of.clone(),
                parent_type: known.parent.clone(),
                original_field_name: known.original_name.clone(),
                start_time: span.start,
                end_time: span.end,
                error: Vec::new(),
                child,
            });
        }
        Ok(nodes)
    }
}
