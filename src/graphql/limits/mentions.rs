//! Mentions: what a variable becomes inside a literal. `[$a, $a]` is sent once and made twice, so what is made is counted before it is.

use apollo_compiler::ast::Value;
use async_graphql_value::ConstValue;

use super::arguments::{Given, OperationArguments, VariableValues};
use crate::graphql::first_map::FirstMap;

/// A number or a truth takes about as much as a text of so many bytes.
const SCALAR: usize = 8;

/// How large values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ValuesSize {
    /// Objects, lists and scalars.
    pub(super) nodes: usize,
    /// Of texts and names of fields.
    pub(super) bytes: usize,
}

impl ValuesSize {
    /// What the arguments' literals make of variables, apart from what each of these is when it is first mentioned.
    pub(super) fn made_again<'v>(arguments: &'v OperationArguments, variables: VariableValues<'v>) -> Self {
        let mut mentions = Mentions { variables, known: FirstMap::default(), again: Self::default() };
        // A whole variable is read where it is.
        let literals = arguments.iter().filter(|argument| argument.fixed.is_none());
        literals
            .filter(|argument| argument.value.as_variable().is_none())
            .for_each(|argument| mentions.of(&argument.value));
        mentions.again
    }

    fn add(&mut self, other: Self) {
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    fn of(given: Given<'_>) -> Self {
        match given {
            Given::Variable(value) => Self::of_value(value),
            Given::Written(_) | Given::Representations(_) => Self::default(),
        }
    }

    fn of_value(value: &ConstValue) -> Self {
        let mut size = Self { nodes: 1, bytes: 0 };
        match value {
            ConstValue::String(text) => size.bytes = text.len(),
            ConstValue::List(items) => items.iter().for_each(|item| size.add(Self::of_value(item))),
            ConstValue::Object(fields) => fields.iter().for_each(|(name, value)| {
                size.bytes = size.bytes.saturating_add(name.len());
                size.add(Self::of_value(value));
            }),
            _ => size.bytes = SCALAR,
        }
        size
    }
}

struct Mentions<'v> {
    variables: VariableValues<'v>,
    /// The sizes of those that were mentioned.
    known: FirstMap<&'v str, ValuesSize>,
    again: ValuesSize,
}

impl<'v> Mentions<'v> {
    fn of(&mut self, value: &'v Value) {
        match value {
            Value::Variable(name) => match self.known.get(&name.as_str()) {
                Some(size) => self.again.add(*size),
                None => {
                    let size = (self.variables)(name).map(ValuesSize::of).unwrap_or_default();
                    self.known.insert(name.as_str(), size);
                }
            },
            Value::List(items) => items.iter().for_each(|item| self.of(item)),
            Value::Object(fields) => fields.iter().for_each(|(_, value)| self.of(value)),
            _ => {}
        }
    }
}
