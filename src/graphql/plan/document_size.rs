//! The memory that a typed document holds: counted node by node, so that a cache of documents is bounded by what it takes.

use std::mem::size_of;

use apollo_compiler::ast::{Argument, Directive, DirectiveList, Value};
use apollo_compiler::executable::{Field, FragmentSpread, InlineFragment, Operation, Selection, SelectionSet};
use apollo_compiler::{ExecutableDocument, Name};

/// The size of a node besides its value: its count of references, its location, and the allocator's rounding.
const NODE: usize = 48;
/// The memory of a text on the heap besides its bytes.
const TEXT: usize = 24;

/// The memory that a document holds, in bytes, approximately.
pub(super) fn of(document: &ExecutableDocument) -> usize {
    let operations = document.operations.iter().map(|operation| self::operation(operation));
    let fragments = document.fragments.values().map(|fragment| {
        NODE + size_of_val(&**fragment)
            + name(&fragment.name)
            + directives(&fragment.directives)
            + set(&fragment.selection_set)
    });
    operations.chain(fragments).sum()
}

fn operation(operation: &Operation) -> usize {
    let variables = operation.variables.iter().map(|variable| {
        let default = variable.default_value.as_ref().map_or(0, |value| self::value(value));
        2 * NODE + size_of_val(&**variable) + name(&variable.name) + TEXT + default + directives(&variable.directives)
    });
    NODE + size_of::<Operation>()
        + operation.name.as_ref().map_or(0, name)
        + variables.sum::<usize>()
        + directives(&operation.directives)
        + set(&operation.selection_set)
}

fn set(set: &SelectionSet) -> usize {
    let selection = |selection: &Selection| match selection {
        Selection::Field(field) => {
            NODE + size_of::<Field>()
                + name(&field.name)
                + field.alias.as_ref().map_or(0, name)
                + arguments(&field.arguments)
                + directives(&field.directives)
                + field.selection_set.as_ref().map_or(0, self::set)
        }
        Selection::FragmentSpread(spread) => {
            NODE + size_of::<FragmentSpread>() + name(&spread.fragment_name) + directives(&spread.directives)
        }
        Selection::InlineFragment(fragment) => {
            NODE + size_of::<InlineFragment>()
                + fragment.type_condition.as_ref().map_or(0, name)
                + directives(&fragment.directives)
                + self::set(&fragment.selection_set)
        }
    };
    set.selections.capacity() * size_of::<Selection>() + set.selections.iter().map(selection).sum::<usize>()
}

fn directives(directives: &DirectiveList) -> usize {
    let directive =
        |directive: &Directive| NODE + size_of::<Directive>() + name(&directive.name) + arguments(&directive.arguments);
    directives.iter().map(|node| directive(node)).sum::<usize>() + directives.0.capacity() * size_of::<usize>()
}

fn arguments(list: &[apollo_compiler::Node<Argument>]) -> usize {
    let argument = |argument: &Argument| {
        NODE + size_of::<Argument>() + size_of::<usize>() + name(&argument.name) + value(&argument.value)
    };
    list.iter().map(|node| argument(node)).sum()
}

/// A value, as a node of its own.
fn value(value: &Value) -> usize {
    let inner = match value {
        Value::Null | Value::Boolean(_) => 0,
        Value::Enum(text) | Value::Variable(text) => name(text),
        Value::String(text) => TEXT + text.capacity(),
        Value::Float(number) => TEXT + number.as_str().len(),
        Value::Int(number) => TEXT + number.as_str().len(),
        Value::List(items) => {
            items.capacity() * size_of::<usize>() + items.iter().map(|item| self::value(item)).sum::<usize>()
        }
        Value::Object(fields) => {
            let field = |(key, value): &(Name, apollo_compiler::Node<Value>)| name(key) + self::value(value);
            fields.capacity() * size_of::<(Name, usize)>() + fields.iter().map(field).sum::<usize>()
        }
    };
    NODE + size_of::<Value>() + inner
}

fn name(name: &Name) -> usize {
    TEXT + name.len()
}
