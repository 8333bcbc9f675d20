//! Changes to what clients read: fields of objects and interfaces, enum values, union members.

use apollo_compiler::ast::{EnumValueDefinition, FieldDefinition, Type};
use apollo_compiler::collections::{IndexMap, IndexSet};
use apollo_compiler::{Name, Node};

use super::change::SchemaChanges;
use super::describe::{deprecated, described};
use super::inputs::arguments;
use super::versions::{Version, versions};

pub(super) fn output_fields(
    of: &str,
    before: &IndexMap<Name, Node<FieldDefinition>>,
    after: &IndexMap<Name, Node<FieldDefinition>>,
    changes: &mut SchemaChanges,
) {
    for (name, version) in versions(before, after) {
        let coordinate = format!("{of}.{name}");
        match version {
            Version::Removed => {
                changes.breaking("FIELD_REMOVED", &coordinate, format!("{coordinate} was removed."));
            }
            Version::Kept(old, new) => one_field(&coordinate, old, new, changes),
            Version::Added(_) => changes.safe("FIELD_ADDED", &coordinate, format!("{coordinate} was added.")),
        }
    }
}

fn one_field(coordinate: &str, old: &FieldDefinition, new: &FieldDefinition, changes: &mut SchemaChanges) {
    arguments(coordinate, &old.arguments, &new.arguments, false, changes);
    let message = format!("{coordinate} changed its type from {} to {}.", old.ty, new.ty);
    if !is_safe_to_read(&old.ty, &new.ty) {
        changes.breaking("FIELD_CHANGED_KIND", coordinate, message);
    } else if old.ty != new.ty {
        changes.safe("FIELD_CHANGED_KIND_SAFE", coordinate, message);
    }
    deprecated(coordinate, &old.directives, &new.directives, changes);
    described(coordinate, old.description.as_ref(), new.description.as_ref(), changes);
}

pub(super) fn interfaces(
    name: &str,
    before: &IndexSet<Node<Name>>,
    after: &IndexSet<Node<Name>>,
    changes: &mut SchemaChanges,
) {
    for (interface, version) in versions(names(before), names(after)) {
        match version {
            Version::Removed => {
                let message = format!("{name} no longer implements interface {interface}.");
                changes.breaking("IMPLEMENTED_INTERFACE_REMOVED", name, message);
            }
            Version::Added(_) => {
                let message = format!("{interface} added to interfaces implemented by {name}.");
                changes.dangerous("IMPLEMENTED_INTERFACE_ADDED", name, message);
            }
            Version::Kept(..) => {}
        }
    }
}

pub(super) fn union_members(
    name: &str,
    before: &IndexSet<Node<Name>>,
    after: &IndexSet<Node<Name>>,
    changes: &mut SchemaChanges,
) {
    for (member, version) in versions(names(before), names(after)) {
        match version {
            Version::Removed => {
                let message = format!("{member} was removed from union type {name}.");
                changes.breaking("TYPE_REMOVED_FROM_UNION", name, message);
            }
            Version::Added(_) => {
                changes.dangerous("TYPE_ADDED_TO_UNION", name, format!("{member} was added to union type {name}."));
            }
            Version::Kept(..) => {}
        }
    }
}

/// Names of which nothing else is known.
fn names(of: &IndexSet<Node<Name>>) -> impl Iterator<Item = (&Name, &Node<Name>)> {
    of.iter().map(|name| (&**name, name))
}

pub(super) fn enum_values(
    of: &str,
    before: &IndexMap<Name, Node<EnumValueDefinition>>,
    after: &IndexMap<Name, Node<EnumValueDefinition>>,
    changes: &mut SchemaChanges,
) {
    for (value, version) in versions(before, after) {
        let coordinate = format!("{of}.{value}");
        match version {
            Version::Removed => {
                let message = format!("{value} was removed from enum type {of}.");
                changes.breaking("VALUE_REMOVED_FROM_ENUM", &coordinate, message);
            }
            Version::Kept(old, new) => {
                deprecated(&coordinate, &old.directives, &new.directives, changes);
                described(&coordinate, old.description.as_ref(), new.description.as_ref(), changes);
            }
            Version::Added(_) => {
                let message = format!("{value} was added to enum type {of}.");
                changes.dangerous("VALUE_ADDED_TO_ENUM", &coordinate, message);
            }
        }
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
