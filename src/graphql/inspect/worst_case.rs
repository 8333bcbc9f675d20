//! The worst case of an operation's arguments: what its variables may ask for before a limit refuses them.
//!
//! Literals of the document stay as they are; each variable is as large as its type and the limits let it be. A variable
//! that holds conditions, or sort keys, may be any of them.

use apollo_compiler::ast::{Type, Value, VariableDefinition};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Node, Schema};
use async_graphql_value::indexmap::IndexMap;
use async_graphql_value::{ConstValue, Name};

use crate::config;
use crate::graphql::limits::{
    ArgumentId, ArgumentKind, ArgumentSize, Given, OperationArgument, OperationArguments, SizeLimits, filter_texts,
};

/// An operation's arguments, and what is known of their sizes.
pub(super) struct WorstCase<'c> {
    pub(super) arguments: &'c OperationArguments,
    /// The sizes with the variables that were given.
    pub(super) given: &'c [ArgumentSize],
    /// The filters of all lists, each as often as a list has it.
    pub(super) filters: &'c [ArgumentId],
    pub(super) variables: &'c [Node<VariableDefinition>],
    pub(super) schema: &'c Schema,
    pub(super) limits: &'c config::GraphQlConfig,
}

impl WorstCase<'_> {
    /// The largest sizes of all arguments.
    pub(super) fn sizes(&self) -> Vec<ArgumentSize> {
        // `None` where no value is the largest.
        let values: Vec<(&str, Option<ConstValue>)> = self
            .variables
            .iter()
            .map(|variable| (variable.name.as_str(), largest(&variable.ty, self.schema, self.limits)))
            .collect();
        let value = |name: &str| values.iter().find(|(known, _)| *known == name)?.1.as_ref().map(Given::Variable);
        let is_open =
            |argument: &OperationArgument| variables_of(&argument.value).iter().any(|name| value(name).is_none());
        let limits = SizeLimits { terms: self.limits.filter_terms_limit };
        let written = self.arguments.sizes(&value, self.schema, limits);
        let open: Vec<bool> = self.arguments.iter().map(is_open).collect();
        // The conditions of all filters are limited together, so open ones share what the others leave.
        let of_lists = || self.filters.iter().map(|id| (open.get(*id) == Some(&true), written.get(*id)));
        let taken = of_lists().filter_map(|(open, size)| size.filter(|_| !open)).map(|size| size.terms).sum();
        let lists = of_lists().filter(|(open, _)| *open).count();
        let terms = self.limits.filter_terms_limit.saturating_sub(taken) / lists.max(1);
        let mut sizes = Vec::with_capacity(open.len());
        for (n, argument) in self.arguments.iter().enumerate() {
            let given = self.given.get(n).copied().unwrap_or_default();
            sizes.push(match argument.fixed {
                Some(fixed) => fixed,
                None if open[n] => at_least(self.open(argument, given, terms), given),
                None => at_least(self.bounded(argument.kind, written[n]), given),
            });
        }
        sizes
    }

    /// The size of an argument whose variables are as large as they can be.
    fn bounded(&self, kind: ArgumentKind, written: ArgumentSize) -> ArgumentSize {
        match kind {
            ArgumentKind::Filter => {
                ArgumentSize { characters: written.characters.min(filter_texts(self.limits)), ..written }
            }
            ArgumentKind::Search => ArgumentSize { characters: self.limits.search_limit, ..written },
            // A page is no longer than the longest; other lists have no such limit.
            ArgumentKind::PageLength => ArgumentSize { length: Some(usize::MAX), ..written },
            ArgumentKind::Cursor => ArgumentSize { items: 1, ..written },
            // As many groups as there are members.
            ArgumentKind::GroupKeys => {
                let items = written.items.min(GROUP_FIELDS);
                ArgumentSize { items, keys: usize::MAX, has_roles: true, repeats_key: false, ..written }
            }
            // References are of any type, so a list of them is as long as it may be.
            ArgumentKind::Representations => {
                let items = self.limits.representations_limit;
                ArgumentSize { items, longest_list: items, ..written }
            }
            ArgumentKind::Order => ArgumentSize { repeats_key: false, ..written },
            ArgumentKind::Object | ArgumentKind::Other => written,
        }
    }

    /// The size of an argument that may hold any conditions, of which the request may have so many, or any sort keys.
    fn open(&self, argument: &OperationArgument, given: ArgumentSize, terms: usize) -> ArgumentSize {
        let lists = self.limits.list_items_limit;
        match argument.kind {
            ArgumentKind::Filter => ArgumentSize {
                terms,
                // A test is dearest where it looks for a text in a row's texts.
                scans: terms,
                depth: self.limits.filter_depth_limit,
                items: lists,
                longest_list: lists,
                characters: filter_texts(self.limits),
                ..ArgumentSize::default()
            },
            ArgumentKind::Order => {
                let items = keys(argument, self.schema);
                ArgumentSize { items, longest_list: items, ..ArgumentSize::default() }
            }
            _ => given,
        }
    }
}

/// By how many fields there are groups at most.
const GROUP_FIELDS: usize = 6;

/// The worst case is no smaller than the size with usual values.
fn at_least(worst: ArgumentSize, given: ArgumentSize) -> ArgumentSize {
    ArgumentSize {
        terms: worst.terms.max(given.terms),
        scans: worst.scans.max(given.scans),
        row_steps: worst.row_steps.max(given.row_steps),
        items: worst.items.max(given.items),
        characters: worst.characters.max(given.characters),
        ..worst
    }
}

/// The largest value of a variable; `None` where it may be conditions or sort keys, of which none is the largest.
fn largest(of: &Type, schema: &Schema, limits: &config::GraphQlConfig) -> Option<ConstValue> {
    let name = of.inner_named_type();
    let object = schema.get_input_object(name);
    if of.is_list() {
        // What such a list holds is not looked at.
        return object.is_none().then(|| ConstValue::List(vec![ConstValue::Null; limits.list_items_limit]));
    }
    let Some(object) = object else {
        return Some(match (name.as_str(), schema.types.get(name)) {
            ("String" | "ID", _) => ConstValue::String("x".repeat(filter_texts(limits))),
            (_, Some(ExtendedType::Enum(of))) => {
                of.values.keys().next().map_or(ConstValue::Null, |value| ConstValue::Enum(Name::new(value)))
            }
            _ => ConstValue::Boolean(true),
        });
    };
    let mut fields = IndexMap::new();
    for (field, definition) in &object.fields {
        // One that contains itself is a filter.
        if *definition.ty.inner_named_type() == object.name {
            return None;
        }
        fields.insert(Name::new(field), largest(&definition.ty, schema, limits)?);
    }
    Some(ConstValue::Object(fields))
}

/// The names of the variables in a value.
pub(super) fn variables_of(value: &Value) -> Vec<&str> {
    match value {
        Value::Variable(name) => vec![name.as_str()],
        Value::List(items) => items.iter().flat_map(|item| variables_of(item)).collect(),
        Value::Object(fields) => fields.iter().flat_map(|(_, value)| variables_of(value)).collect(),
        _ => Vec::new(),
    }
}

/// How many sort keys there can be: a list is sorted by each field once.
fn keys(argument: &OperationArgument, schema: &Schema) -> usize {
    let Some(object) = schema.get_input_object(argument.definition.ty.inner_named_type()) else { return 1 };
    let values = |field: &str| match schema.types.get(field) {
        Some(ExtendedType::Enum(values)) => values.values.len(),
        _ => 0,
    };
    object.fields.values().map(|field| values(field.ty.inner_named_type())).max().unwrap_or(1)
}
