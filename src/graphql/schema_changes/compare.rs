//! Comparing: two schemas are read from their texts and walked type by type and directive by directive.
//!
//! Beyond graphql-js: a root operation or a key of an entity that goes is breaking (operations and gateways depend on them), a
//! default of an input field that changes is dangerous (the same request means something else), and additions, deprecations
//! and descriptions are listed as safe. A standard scalar that nothing refers to any more is no change.

use apollo_compiler::ast::{DirectiveDefinition, DirectiveList};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Node, Schema};

use super::change::{SchemaChange, SchemaChanges};
use super::describe::described;
use super::fields::{enum_values, interfaces, output_fields, union_members};
use super::inputs::{arguments, input_fields};
use super::versions::{Version, versions};

/// A text is not a schema.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSchema {
    /// The older one.
    #[error("the old schema cannot be read: {0}")]
    Old(String),
    /// The newer one.
    #[error("the new schema cannot be read: {0}")]
    New(String),
}

/// The changes from `old` to `new`, both in SDL: breaking changes first, each class by coordinate.
///
/// # Errors
/// [`InvalidSchema`] when one of the texts is not SDL.
pub fn schema_changes(old: &str, new: &str) -> Result<Vec<SchemaChange>, InvalidSchema> {
    let old = read(old).map_err(InvalidSchema::Old)?;
    let new = read(new).map_err(InvalidSchema::New)?;
    let mut changes = SchemaChanges::default();
    roots(&old, &new, &mut changes);
    types(&old, &new, &mut changes);
    directives(&old, &new, &mut changes);
    let mut found = changes.0;
    found.sort_by(|a, b| (a.class, &a.coordinate, a.kind).cmp(&(b.class, &b.coordinate, b.kind)));
    Ok(found)
}

fn read(sdl: &str) -> Result<Schema, String> {
    // Not validated: a subgraph's SDL uses directives that it does not define.
    let built = Schema::builder().adopt_orphan_extensions().parse(sdl, "schema.graphql").build();
    built.map_err(|failed| {
        let first = failed.errors.iter().next().map(|error| {
            let line = error.line_column_range().map_or(0, |range| range.start.line);
            format!("line {line}: {}", error.error)
        });
        first.unwrap_or_default()
    })
}

fn roots(old: &Schema, new: &Schema, changes: &mut SchemaChanges) {
    let operations = [
        ("query", &old.schema_definition.query, &new.schema_definition.query),
        ("mutation", &old.schema_definition.mutation, &new.schema_definition.mutation),
        ("subscription", &old.schema_definition.subscription, &new.schema_definition.subscription),
    ];
    for (operation, before, after) in operations {
        match (before, after) {
            (Some(before), None) => {
                changes.breaking("ROOT_TYPE_REMOVED", before, format!("{before} is no longer the {operation} type."));
            }
            (Some(before), Some(after)) if before.as_str() != after.as_str() => {
                let message = format!("The {operation} type changed from {before} to {after}.");
                changes.breaking("ROOT_TYPE_CHANGED", before, message);
            }
            (None, Some(after)) => {
                changes.safe("ROOT_TYPE_ADDED", after, format!("{after} is now the {operation} type."));
            }
            _ => {}
        }
    }
}

fn types(old: &Schema, new: &Schema, changes: &mut SchemaChanges) {
    for (name, version) in versions(own_types(old), own_types(new)) {
        match version {
            Version::Removed => changes.breaking("TYPE_REMOVED", name, format!("{name} was removed.")),
            Version::Kept(before, after) => one_type(name, before, after, changes),
            Version::Added(after) => {
                changes.safe("TYPE_ADDED", name, format!("{name} was added, {}.", kind(after)));
            }
        }
    }
}

fn own_types(schema: &Schema) -> impl Iterator<Item = (&Name, &ExtendedType)> {
    schema.types.iter().filter(|(_, of)| !of.is_built_in())
}

fn one_type(name: &str, before: &ExtendedType, after: &ExtendedType, changes: &mut SchemaChanges) {
    match (before, after) {
        (ExtendedType::Object(before), ExtendedType::Object(after)) => {
            output_fields(name, &before.fields, &after.fields, changes);
            interfaces(name, &before.implements_interfaces, &after.implements_interfaces, changes);
            keys(name, &before.directives, &after.directives, changes);
        }
        (ExtendedType::Interface(before), ExtendedType::Interface(after)) => {
            output_fields(name, &before.fields, &after.fields, changes);
            interfaces(name, &before.implements_interfaces, &after.implements_interfaces, changes);
            keys(name, &before.directives, &after.directives, changes);
        }
        (ExtendedType::Union(before), ExtendedType::Union(after)) => {
            union_members(name, &before.members, &after.members, changes);
        }
        (ExtendedType::Enum(before), ExtendedType::Enum(after)) => {
            enum_values(name, &before.values, &after.values, changes);
        }
        (ExtendedType::InputObject(before), ExtendedType::InputObject(after)) => {
            input_fields(name, &before.fields, &after.fields, changes);
        }
        (ExtendedType::Scalar(before), ExtendedType::Scalar(after)) => {
            let url = |directives: &DirectiveList| {
                let specified = directives.get("specifiedBy")?.specified_argument_by_name("url")?.as_str()?;
                Some(specified.to_owned())
            };
            if url(&before.directives) != url(&after.directives) {
                changes.safe("SPECIFIED_BY_CHANGED", name, format!("The specification of {name} changed."));
            }
        }
        (before, after) => {
            let message = format!("{name} changed from {} to {}.", kind(before), kind(after));
            changes.breaking("TYPE_CHANGED_KIND", name, message);
            return;
        }
    }
    described(name, before.description(), after.description(), changes);
}

/// The keys by which a gateway asks for an entity.
fn keys(name: &str, before: &DirectiveList, after: &DirectiveList, changes: &mut SchemaChanges) {
    let of = |directives: &DirectiveList| -> Vec<String> {
        let fields = |directive: &Node<_>| -> Option<String> {
            let directive: &apollo_compiler::ast::Directive = directive;
            let text = directive.specified_argument_by_name("fields")?.as_str()?;
            Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        directives.iter().filter(|directive| directive.name == "key").filter_map(fields).collect()
    };
    let (before, after) = (of(before), of(after));
    for key in before.iter().filter(|key| !after.contains(key)) {
        changes.breaking("ENTITY_KEY_REMOVED", name, format!("{name} can no longer be asked for by `{key}`."));
    }
    for key in after.iter().filter(|key| !before.contains(key)) {
        changes.safe("ENTITY_KEY_ADDED", name, format!("{name} can be asked for by `{key}`."));
    }
}

fn directives(old: &Schema, new: &Schema, changes: &mut SchemaChanges) {
    for (name, version) in versions(&old.directive_definitions, &new.directive_definitions) {
        let coordinate = format!("@{name}");
        match version {
            Version::Removed => changes.breaking("DIRECTIVE_REMOVED", &coordinate, format!("@{name} was removed.")),
            Version::Kept(before, after) => one_directive(&coordinate, before, after, changes),
            Version::Added(_) => changes.safe("DIRECTIVE_ADDED", &coordinate, format!("@{name} was added.")),
        }
    }
}

fn one_directive(
    coordinate: &str,
    before: &DirectiveDefinition,
    after: &DirectiveDefinition,
    changes: &mut SchemaChanges,
) {
    arguments(coordinate, &before.arguments, &after.arguments, true, changes);
    match (before.repeatable, after.repeatable) {
        (true, false) => {
            let message = format!("{coordinate} can no longer be repeated.");
            changes.breaking("DIRECTIVE_REPEATABLE_REMOVED", coordinate, message);
        }
        (false, true) => {
            changes.safe("DIRECTIVE_REPEATABLE_ADDED", coordinate, format!("{coordinate} can be repeated."));
        }
        _ => {}
    }
    for location in before.locations.iter().filter(|location| !after.locations.contains(*location)) {
        let message = format!("{coordinate} can no longer be at {location}.");
        changes.breaking("DIRECTIVE_LOCATION_REMOVED", coordinate, message);
    }
    for location in after.locations.iter().filter(|location| !before.locations.contains(*location)) {
        changes.safe("DIRECTIVE_LOCATION_ADDED", coordinate, format!("{coordinate} can be at {location}."));
    }
}

fn kind(of: &ExtendedType) -> &'static str {
    match of {
        ExtendedType::Scalar(_) => "a scalar",
        ExtendedType::Object(_) => "an object type",
        ExtendedType::Interface(_) => "an interface",
        ExtendedType::Union(_) => "a union",
        ExtendedType::Enum(_) => "an enum",
        ExtendedType::InputObject(_) => "an input object",
    }
}
