//! The subgraph's SDL in its final form, made of what async-graphql prints: the keys that are configured, `@requiresScopes` where
//! it is wanted, `@semanticNonNull` where null comes with an error only, and a `@link` that imports what is used and nothing
//! else.

use std::collections::BTreeSet;

use apollo_compiler::ast::{Definition, Directive, DirectiveList, Document, FieldDefinition};
use apollo_compiler::validation::WithErrors;
use apollo_compiler::{Node, name};

use crate::config::{FederationConfig, FederationKeys};

/// The version of the federation specification that has every directive used here.
const FEDERATION: &str = "https://specs.apollo.dev/federation/v2.5";
const NULLABILITY: &str = "https://specs.apollo.dev/nullability/v0.4";

/// The entities that have a short key and a long one.
const ENTITIES: [&str; 2] = ["TeamMember", "Role"];

/// The fields that are null only where there is an error: of the upstream, of access, or of an argument. They are nullable so
/// that one failure leaves what is beside it.
const NULL_IS_AN_ERROR: [(&str, &str); 9] = [
    ("Query", "team"),
    ("Query", "teamMembers"),
    ("Query", "roles"),
    ("Team", "members"),
    ("Role", "members"),
    ("TeamMemberConnection", "groups"),
    ("Subscription", "team"),
    ("Subscription", "teamChanges"),
    ("Mutation", "issuePermanentToken"),
];

/// The SDL that a composer reads.
pub(super) fn complete(printed: &str, settings: &FederationConfig) -> String {
    let mut document = read(printed);
    document.definitions.retain(|definition| !matches!(definition, Definition::SchemaExtension(_)));
    for definition in &mut document.definitions {
        if let Definition::ObjectTypeDefinition(object) = definition {
            let object = object.make_mut();
            if ENTITIES.contains(&object.name.as_str()) {
                object.directives.0.retain(|directive| is_kept(directive, settings.keys));
            }
            if !settings.requires_scopes {
                for field in object.fields.iter_mut().filter(|field| field.directives.has("requiresScopes")) {
                    field.make_mut().directives.0.retain(|directive| directive.name != "requiresScopes");
                }
            }
            let of_type = |(name, field): &(&str, &'static str)| (*name == object.name.as_str()).then_some(*field);
            let marked: Vec<&str> = NULL_IS_AN_ERROR.iter().filter_map(of_type).collect();
            for field in object.fields.iter_mut().filter(|field| marked.contains(&field.name.as_str())) {
                let directive = Directive { name: name!("semanticNonNull"), arguments: Vec::new() };
                field.make_mut().directives.0.push(Node::new(directive));
            }
        }
    }
    let mut links = read(&links(&document));
    links.definitions.append(&mut document.definitions);
    links.to_string()
}

/// The text that async-graphql prints, and the text that is written here, is SDL.
fn read(sdl: &str) -> Document {
    Document::parse(sdl, "subgraph.graphql").unwrap_or_else(|WithErrors { partial, .. }| partial)
}

/// Whether a directive of an entity stays: each but the keys that are not configured.
fn is_kept(directive: &Directive, keys: FederationKeys) -> bool {
    if directive.name != "key" {
        return true;
    }
    let fields = directive.specified_argument_by_name("fields").and_then(|fields| fields.as_str());
    match keys {
        FederationKeys::Id => fields == Some("id"),
        FederationKeys::Account => fields != Some("id"),
        FederationKeys::Both => true,
    }
}

/// The extension of the schema that imports the directives, and the definition of the one that is not federation's own.
fn links(document: &Document) -> String {
    let mut used = BTreeSet::from(["@composeDirective".to_owned()]);
    let is_imported = |name: &str| !matches!(name, "semanticNonNull" | "specifiedBy" | "deprecated" | "oneOf");
    let directives = document.definitions.iter().flat_map(directive_lists).flat_map(|list| list.iter());
    used.extend(
        directives.filter(|directive| is_imported(&directive.name)).map(|directive| format!("@{}", directive.name)),
    );
    format!(
        "extend schema @link(url: \"{FEDERATION}\", import: {used:?}) @link(url: \"{NULLABILITY}\", import: [\"@semanticNonNull\"]) \
         @composeDirective(name: \"@semanticNonNull\")\n\
         \"The field is null only where an error says why.\"\n\
         directive @semanticNonNull(levels: [Int] = [0]) on FIELD_DEFINITION\n",
        used = used.iter().collect::<Vec<_>>(),
    )
}

/// The directives of the definition of a type, and of everything in it.
fn directive_lists(definition: &Definition) -> Vec<&DirectiveList> {
    let mut lists = vec![definition.directives()];
    let fields: &[Node<FieldDefinition>] = match definition {
        Definition::ObjectTypeDefinition(object) => &object.fields,
        Definition::InterfaceTypeDefinition(interface) => &interface.fields,
        _ => &[],
    };
    for field in fields {
        lists.push(&field.directives);
        lists.extend(field.arguments.iter().map(|argument| &argument.directives));
    }
    match definition {
        Definition::InputObjectTypeDefinition(input) => {
            lists.extend(input.fields.iter().map(|field| &field.directives));
        }
        Definition::EnumTypeDefinition(values) => lists.extend(values.values.iter().map(|value| &value.directives)),
        _ => {}
    }
    lists
}
