//! Changes to what clients send: arguments and the fields of input objects, their types and their defaults.

use apollo_compiler::ast::{InputValueDefinition, Type, Value};
use apollo_compiler::collections::IndexMap;
use apollo_compiler::{Name, Node};

use super::change::SchemaChanges;
use super::describe::{deprecated, described};
use super::versions::{Version, versions};

/// The arguments of a field or, with `of_directive`, of a directive.
pub(super) fn arguments(
    of: &str,
    before: &[Node<InputValueDefinition>],
    after: &[Node<InputValueDefinition>],
    of_directive: bool,
    changes: &mut SchemaChanges,
) {
    let (removed, required) = if of_directive {
        ("DIRECTIVE_ARG_REMOVED", "REQUIRED_DIRECTIVE_ARG_ADDED")
    } else {
        ("ARG_REMOVED", "REQUIRED_ARG_ADDED")
    };
    for (name, version) in versions(named(before), named(after)) {
        let coordinate = format!("{of}({name}:)");
        match version {
            Version::Removed => changes.breaking(removed, &coordinate, format!("{coordinate} was removed.")),
            Version::Kept(old, new) => one_value(&coordinate, old, new, &ARGUMENT, changes),
            Version::Added(new) if new.is_required() => {
                changes.breaking(required, &coordinate, format!("The required argument {coordinate} was added."));
            }
            Version::Added(_) if of_directive => {
                changes.safe("OPTIONAL_DIRECTIVE_ARG_ADDED", &coordinate, format!("{coordinate} was added."));
            }
            Version::Added(_) => {
                let message = format!("The optional argument {coordinate} was added.");
                changes.dangerous("OPTIONAL_ARG_ADDED", &coordinate, message);
            }
        }
    }
}

fn named(arguments: &[Node<InputValueDefinition>]) -> impl Iterator<Item = (&Name, &Node<InputValueDefinition>)> {
    arguments.iter().map(|argument| (&argument.name, argument))
}

pub(super) fn input_fields(
    of: &str,
    before: &IndexMap<Name, Node<InputValueDefinition>>,
    after: &IndexMap<Name, Node<InputValueDefinition>>,
    changes: &mut SchemaChanges,
) {
    for (name, version) in versions(before, after) {
        let coordinate = format!("{of}.{name}");
        match version {
            Version::Removed => {
                changes.breaking("FIELD_REMOVED", &coordinate, format!("{coordinate} was removed."));
            }
            Version::Kept(old, new) => one_value(&coordinate, old, new, &INPUT_FIELD, changes),
            Version::Added(new) if new.is_required() => {
                let message = format!("The required field {coordinate} was added.");
                changes.breaking("REQUIRED_INPUT_FIELD_ADDED", &coordinate, message);
            }
            Version::Added(_) => {
                let message = format!("The optional field {coordinate} was added.");
                changes.dangerous("OPTIONAL_INPUT_FIELD_ADDED", &coordinate, message);
            }
        }
    }
}

/// The names of the changes of an argument, or of an input field.
struct Kinds {
    changed: &'static str,
    changed_safely: &'static str,
    default_changed: &'static str,
    default_added: &'static str,
}

const ARGUMENT: Kinds = Kinds {
    changed: "ARG_CHANGED_KIND",
    changed_safely: "ARG_CHANGED_KIND_SAFE",
    default_changed: "ARG_DEFAULT_VALUE_CHANGE",
    default_added: "ARG_DEFAULT_VALUE_ADDED",
};

const INPUT_FIELD: Kinds = Kinds {
    changed: "FIELD_CHANGED_KIND",
    changed_safely: "FIELD_CHANGED_KIND_SAFE",
    default_changed: "INPUT_FIELD_DEFAULT_VALUE_CHANGE",
    default_added: "INPUT_FIELD_DEFAULT_VALUE_ADDED",
};

fn one_value(
    coordinate: &str,
    old: &InputValueDefinition,
    new: &InputValueDefinition,
    kinds: &Kinds,
    changes: &mut SchemaChanges,
) {
    let message = || format!("{coordinate} changed its type from {} to {}.", old.ty, new.ty);
    if !is_safe_to_send(&old.ty, &new.ty) {
        // Where the type breaks clients, the default does not matter.
        changes.breaking(kinds.changed, coordinate, message());
    } else {
        if old.ty != new.ty {
            changes.safe(kinds.changed_safely, coordinate, message());
        }
        defaults(coordinate, old, new, kinds, changes);
    }
    deprecated(coordinate, &old.directives, &new.directives, changes);
    described(coordinate, old.description.as_ref(), new.description.as_ref(), changes);
}

fn defaults(
    coordinate: &str,
    old: &InputValueDefinition,
    new: &InputValueDefinition,
    kinds: &Kinds,
    changes: &mut SchemaChanges,
) {
    let shown = |value: &Node<Value>| in_order(value).to_string();
    match (old.default_value.as_ref().map(shown), new.default_value.as_ref().map(shown)) {
        (Some(old), Some(new)) if old != new => {
            changes.dangerous(
                kinds.default_changed,
                coordinate,
                format!("{coordinate} changed its default from {old} to {new}."),
            );
        }
        (Some(_), None) => {
            changes.dangerous(kinds.default_changed, coordinate, format!("{coordinate} has no default any more."))
        }
        (None, Some(new)) => {
            changes.safe(kinds.default_added, coordinate, format!("{coordinate} has the default {new} now."));
        }
        _ => {}
    }
}

/// The value with the fields of its objects in order, in which they do not differ.
fn in_order(value: &Value) -> Value {
    let each = |value: &Node<Value>| Node::new(in_order(value));
    match value {
        Value::List(items) => Value::List(items.iter().map(each).collect()),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name.clone(), each(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields)
        }
        value => value.clone(),
    }
}

/// Whether every value of the old type is one of the new type: null may come, nothing may go.
fn is_safe_to_send(old: &Type, new: &Type) -> bool {
    match (old, new) {
        (Type::Named(old), Type::Named(new))
        | (Type::NonNullNamed(old), Type::NonNullNamed(new) | Type::Named(new)) => old == new,
        (Type::List(old), Type::List(new)) | (Type::NonNullList(old), Type::NonNullList(new) | Type::List(new)) => {
            is_safe_to_send(old, new)
        }
        _ => false,
    }
}
