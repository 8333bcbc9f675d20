//! What clients read: fields of objects and interfaces, enum values, union members.

use apollo_compiler::ast::{EnumValueDefinition, FieldDefinition, Type};
use apollo_compiler::collections::{IndexMap, IndexSet};
use apollo_compiler::{Name, Node};

use super::change::Changes;
use super::describe::{deprecated, described};
use super::inputs::arguments;

pub(super) fn output_fields(
    of: &str,
    before: &IndexMap<Name, Node<FieldDefinition>>,
    after: &IndexMap<Name, Node<FieldDefinition>>,
    changes: &mut Changes,
) {
    for (name, old) in before {
        let coordinate = format!("{of}.{name}");
        let Some(new) = after.get(name) else {
            changes.breaking("FIELD_REMOVED", &coordinate, format!("{coordinate} was removed."));
            continue;
        };
        arguments(&coordinate, &old.arguments, &new.arguments, false, changes);
        let message = format!("{coordinate} changed its type from {} to {}.", old.ty, new.ty);
        if !is_safe_to_read(&old.ty, &new.ty) {
            changes.breaking("FIELD_CHANGED_KIND", &coordinate, message);
        } else if old.ty != new.ty {
            changes.safe("FIELD_CHANGED_KIND_SAFE", &coordinate, message);
        }
        deprecated(&coordinate, &old.directives, &new.directives, changes);
        described(&coordinate, old.description.as_ref(), new.description.as_ref(), changes);
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        let coordinate = format!("{of}.{name}");
        changes.safe("FIELD_ADDED", &coordinate, format!("{coordinate} was added."));
    }
}

pub(super) fn interfaces(
    name: &str,
    before: &IndexSet<Node<Name>>,
    after: &IndexSet<Node<Name>>,
    changes: &mut Changes,
) {
    for interface in before.iter().filter(|interface| !after.contains(*interface)) {
        let message = format!("{name} no longer implements interface {interface}.");
        changes.breaking("IMPLEMENTED_INTERFACE_REMOVED", name, message);
    }
    for interface in after.iter().filter(|interface| !before.contains(*interface)) {
        let message = format!("{interface} added to interfaces implemented by {name}.");
        changes.dangerous("IMPLEMENTED_INTERFACE_ADDED", name, message);
    }
}

pub(super) fn union_members(
    name: &str,
    before: &IndexSet<Node<Name>>,
    after: &IndexSet<Node<Name>>,
    changes: &mut Changes,
) {
    for member in before.iter().filter(|member| !after.contains(*member)) {
        let message = format!("{member} was removed from union type {name}.");
        changes.breaking("TYPE_REMOVED_FROM_UNION", name, message);
    }
    for member in after.iter().filter(|member| !before.contains(*member)) {
        changes.dangerous("TYPE_ADDED_TO_UNION", name, format!("{member} was added to union type {name}."));
    }
}

pub(super) fn enum_values(
    of: &str,
    before: &IndexMap<Name, Node<EnumValueDefinition>>,
    after: &IndexMap<Name, Node<EnumValueDefinition>>,
    changes: &mut Changes,
) {
    for (value, old) in before {
        let coordinate = format!("{of}.{value}");
        let Some(new) = after.get(value) else {
            let message = format!("{value} was removed from enum type {of}.");
            changes.breaking("VALUE_REMOVED_FROM_ENUM", &coordinate, message);
            continue;
        };
        deprecated(&coordinate, &old.directives, &new.directives, changes);
        described(&coordinate, old.description.as_ref(), new.description.as_ref(), changes);
    }
    for value in after.keys().filter(|value| !before.contains_key(*value)) {
        let coordinate = format!("{of}.{value}");
        changes.dangerous("VALUE_ADDED_TO_ENUM", &coordinate, format!("{value} was added to enum type {of}."));
    }
}

/// Whether every value of the new type is one of the old type: null may go, nothing may come.
fn is_safe_to_read(old: &Type, new: &Type) -> bool {
    match (old, new) {
        (Type::Named(old), Type::Named(new) | Type::NonNullNamed(new))
        | (Type::NonNullNamed(old), Type::NonNullNamed(new)) => old == new,
        (Type::List(old), Type::List(new) | Type::NonNullList(new))
        | (Type::NonNullList(old), Type::NonNullList(new)) => is_safe_to_read(old, new),
        _ => false,
    }
}
