//! The tree of an answer's fields, made by reading its data beside the document: each key is a field of the object's type, and
//! the document knows its name and its type. It ends where the limit of nodes is reached.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use apollo_compiler::executable::{Operation, SelectionSet};
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
}

type CollectedFields<'d> = Rc<Vec<Collected<'d>>>;

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
        Self { document, collector, types, root_span, span, room, is_incomplete }
    }

    /// The nodes of the root fields, and whether any are missing.
    pub(super) fn build(&self, operation: &'d Operation, data: &[u8]) -> (Vec<TraceNode>, bool) {
        let root = operation.object_type().as_str();
        let sets = [&operation.selection_set];
        let values = AnswerValue {
            builder: self,
            sets: &sets,
            of: Objects::One(root),
            is_root: true,
            known: FieldsByType::default(),
        };
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
    fn fields(&self, sets: &[&'d SelectionSet], on: &str) -> CollectedFields<'d> {
        Rc::new(self.collector.fields(sets, on).unwrap_or_default())
    }
}

/// The types of the objects in a value.
#[derive(Clone, Copy)]
enum Objects<'d> {
    One(&'d str),
    /// Each item's own.
    Each(&'d [&'static str]),
}

/// The fields of types that have come in a list.
type FieldsByType<'d> = Rc<std::cell::RefCell<HashMap<&'d str, CollectedFields<'d>>>>;

/// A value of the answer: it becomes the nodes below it.
struct AnswerValue<'b, 'd> {
    builder: &'b NodeBuilder<'d>,
    sets: &'b [&'d SelectionSet],
    of: Objects<'d>,
    is_root: bool,
    known: FieldsByType<'d>,
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
                known: self.known.clone(),
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
        let known = self.known.borrow().get(on).cloned();
        let fields = known.unwrap_or_else(|| {
            let fields = builder.fields(self.sets, on);
            self.known.borrow_mut().insert(on, fields.clone());
            fields
        });
        let mut nodes = Vec::with_capacity(fields.len());
        let mut next = 0;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            // The answer has them in the order in which they are collected.
            let at = if fields.get(next).is_some_and(|field| field.key == key) {
                Some(next)
            } else {
                fields.iter().position(|field| field.key == key)
            };
            let found = at.map(|at| (at, &fields[at]));
            // What is about the schema is no work of a resolver.
            let found =
                found.filter(|(_, Collected { field, .. })| !field.name.starts_with("__") && builder.take_room());
            let Some((at, Collected { key, field, below, .. })) = found else {
                next = at.map_or(next, |at| at + 1);
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            next = at + 1;
            let type_name = field.definition.ty.inner_named_type().as_str();
            let is_abstract =
                builder.document.schema().types.get(type_name).is_some_and(|of| of.is_union() || of.is_interface());
            let of = match builder.types.get(*key).filter(|_| self.is_root && is_abstract) {
                Some(names) => Objects::Each(names),
                None => Objects::One(type_name),
            };
            let value = AnswerValue { builder, sets: below, of, is_root: false, known: FieldsByType::default() };
            let child = map.next_value_seed(value)?;
            let span = if self.is_root { builder.root_span } else { builder.span };
            nodes.push(TraceNode {
                id: Some(NodeId::ResponseName((*key).to_owned())),
                r#type: field.definition.ty.to_string(),
                parent_type: on.to_owned(),
                original_field_name: if *key == field.name.as_str() { String::new() } else { field.name.to_string() },
                start_time: span.start,
                end_time: span.end,
                error: Vec::new(),
                child,
            });
        }
        Ok(nodes)
    }
}
