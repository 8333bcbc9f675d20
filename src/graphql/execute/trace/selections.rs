//! The fields that are selected of an answer's objects, and the bytes that their nodes have in each row: both are found once
//! for each selection and type.

use std::cell::RefCell;
use std::rc::Rc;

use apollo_compiler::executable::SelectionSet;
use prost::Message;

use super::messages::FieldNode;
use super::writer::{NestedField, TraceWriter};
use crate::graphql::language::{Document, Truths};
use crate::graphql::plan::collect::{Collected, Collector};

/// A time from the start of the trace to another, in nanoseconds.
#[derive(Clone, Copy)]
pub(super) struct TraceInterval {
    pub(super) start: u64,
    pub(super) end: u64,
}

/// The times of an operation's fields.
#[derive(Clone, Copy)]
pub(super) struct FieldSpans {
    pub(super) root: TraceInterval,
    /// That of all others.
    pub(super) below: TraceInterval,
}

/// Reads selections of one document.
pub(super) struct SelectionReader<'d> {
    document: &'d Document,
    collector: Collector<'d>,
    spans: FieldSpans,
}

/// The selections of one place in the document.
pub(super) struct TracedSelections<'d> {
    sets: Vec<&'d SelectionSet>,
    is_root: bool,
    /// The fields of each type that was met: few, in which a list is searched sooner than a map.
    known: RefCell<Vec<FieldsOfType<'d>>>,
}

/// A type, and what is selected of its objects.
type FieldsOfType<'d> = (&'d str, Rc<[TracedField<'d>]>);

/// A field, and what its nodes say of it.
pub(super) struct TracedField<'d> {
    pub(super) key: &'d str,
    /// What is about the schema is no work of a resolver.
    pub(super) is_meta: bool,
    pub(super) type_name: &'d str,
    pub(super) is_abstract: bool,
    /// None of a scalar.
    pub(super) below: TracedSelections<'d>,
    /// The whole node where there is nothing in it.
    pub(super) empty_node: Vec<u8>,
    /// What is in the node in any case.
    pub(super) constant: Vec<u8>,
}

impl<'d> SelectionReader<'d> {
    pub(super) fn new(document: &'d Document, truths: Truths<'d>, spans: FieldSpans) -> Self {
        Self { document, collector: Collector::new(document, truths), spans }
    }

    fn traced(&self, Collected { key, field, below, .. }: Collected<'d>, on: &str, is_root: bool) -> TracedField<'d> {
        let type_name = field.definition.ty.inner_named_type().as_str();
        let of = self.document.schema().types.get(type_name);
        let span = if is_root { self.spans.root } else { self.spans.below };
        let node = FieldNode {
            response_name: Some(key.to_owned()),
            r#type: field.definition.ty.to_string(),
            start_time: span.start,
            end_time: span.end,
            parent_type: on.to_owned(),
            original_field_name: if key == field.name.as_str() { String::new() } else { field.name.to_string() },
        };
        let constant = node.encode_to_vec();
        let mut writer = TraceWriter::default();
        let open = writer.open(NestedField::CHILD);
        writer.encoded(&constant);
        writer.close(open);
        TracedField {
            key,
            is_meta: field.name.starts_with("__"),
            type_name,
            is_abstract: of.is_some_and(|of| of.is_union() || of.is_interface()),
            below: TracedSelections { sets: below, is_root: false, known: RefCell::default() },
            empty_node: writer.into_bytes(),
            constant,
        }
    }
}

impl<'d> TracedSelections<'d> {
    pub(super) fn root(set: &'d SelectionSet) -> Self {
        Self { sets: vec![set], is_root: true, known: RefCell::default() }
    }

    /// Whether they are those of the operation.
    pub(super) fn is_root(&self) -> bool {
        self.is_root
    }

    /// Whether nothing is selected: the value is a scalar, or a list of scalars.
    pub(super) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The fields that are selected of an object of this type. Nothing where a condition has no value: then the field
    /// has failed.
    pub(super) fn fields(&self, reader: &SelectionReader<'d>, on: &'d str) -> Rc<[TracedField<'d>]> {
        if let Some((_, known)) = self.known.borrow().iter().find(|(name, _)| *name == on) {
            return known.clone();
        }
        let collected = reader.collector.fields(&self.sets, on).unwrap_or_default();
        let fields: Rc<[_]> = collected.into_iter().map(|field| reader.traced(field, on, self.is_root)).collect();
        self.known.borrow_mut().push((on, fields.clone()));
        fields
    }
}
