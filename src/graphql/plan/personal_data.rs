//! Personal data: the fields, arguments and conditions that the schema tags so, by their coordinates, such as
//! `TeamMember.contact`, `Query.teamMembers(search:)` and `TeamMemberFilter.email`.
//!
//! The tags are those that contracts of a supergraph filter by, so the subgraph's schema is where they are read from.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use apollo_compiler::ast::{self, Definition, Directive, DirectiveList, FieldDefinition, Type, Value};
use apollo_compiler::executable::{Operation, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::WithErrors;
use apollo_compiler::{Node, Schema};
use async_graphql_value::ConstValue;

use super::collect::Collector;
use crate::config::FederationConfig;
use crate::graphql::language::{CoercedVariables, Document, Truths};
use crate::graphql::limits::OperationArgument;
use crate::graphql::schema::federation_sdl;

/// The tag.
const TAG: &str = "personal-data";

/// By coordinate: whether it is read only with the scope for contact data. `unrecognized` is shown without it, too, but for
/// what may be contact data.
static TAGGED: LazyLock<BTreeMap<String, bool>> = LazyLock::new(tagged);

/// Something of the schema that is personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::graphql) struct PersonalData {
    /// Where it is in the schema.
    pub(in crate::graphql) coordinate: &'static str,
    needs_contact: bool,
}

impl PersonalData {
    /// Reads the schema, which takes long, before the first audited request needs it.
    pub(in crate::graphql) fn prepare() {
        LazyLock::force(&TAGGED);
    }

    /// The personal data that an operation's fields show, or find people by in their arguments, with its conditions
    /// decided.
    pub(in crate::graphql) fn of_operation(
        document: &Document,
        operation: &Operation,
        truths: Truths<'_>,
    ) -> Box<[Self]> {
        let mut fields = FieldWalk { collector: Collector::new(document, truths), found: Vec::new() };
        fields.of_object(&[&operation.selection_set], operation.object_type());
        fields.found.into()
    }

    /// A field of a type, where it is personal data.
    fn of_field(on: &str, field: &str) -> Option<Self> {
        Self::at(&format!("{on}.{field}"))
    }

    /// An argument of a field.
    fn of_argument(on: &str, field: &str, argument: &str) -> Option<Self> {
        Self::at(&format!("{on}.{field}({argument}:)"))
    }

    fn at(coordinate: &str) -> Option<Self> {
        let (coordinate, needs_contact) = TAGGED.get_key_value(coordinate)?;
        Some(Self { coordinate, needs_contact: *needs_contact })
    }

    /// Whether a caller reads it who has this much access to contact data.
    pub(in crate::graphql) fn is_read(self, contact: bool) -> bool {
        contact || !self.needs_contact
    }

    /// Adds what the values of an argument ask by.
    pub(in crate::graphql) fn of_values(
        argument: &OperationArgument,
        variables: &CoercedVariables,
        schema: &Schema,
        found: &mut Vec<Self>,
    ) {
        ValueWalk { variables, schema, found }.written(&argument.definition.ty, &argument.value);
    }
}

/// Walks the fields of an operation by their types.
struct FieldWalk<'d> {
    collector: Collector<'d>,
    found: Vec<PersonalData>,
}

impl<'d> FieldWalk<'d> {
    fn of_object(&mut self, sets: &[&'d SelectionSet], on: &str) {
        // Where a condition has no value, the object is an error.
        for field in self.collector.fields(sets, on).unwrap_or_default() {
            let arguments = field.field.arguments.iter();
            let arguments =
                arguments.filter_map(|argument| PersonalData::of_argument(on, field.name(), &argument.name));
            for found in PersonalData::of_field(on, field.name()).into_iter().chain(arguments) {
                if !self.found.contains(&found) {
                    self.found.push(found);
                }
            }
            if !field.below.is_empty() {
                objects(self.collector.document, field.type_name())
                    .into_iter()
                    .for_each(|on| self.of_object(&field.below, on));
            }
        }
    }
}

/// The types that objects of this type have.
fn objects<'d>(document: &'d Document, name: &'d str) -> Vec<&'d str> {
    match document.schema().types.get(name) {
        Some(ExtendedType::Interface(_)) => {
            let implementers = document.implementers().get(name);
            implementers.into_iter().flat_map(|known| &known.objects).map(|name| name.as_str()).collect()
        }
        Some(ExtendedType::Union(union)) => union.members.iter().map(|member| member.as_str()).collect(),
        _ => vec![name],
    }
}

/// Walks the values of an argument by their types.
struct ValueWalk<'v> {
    variables: &'v CoercedVariables,
    schema: &'v Schema,
    found: &'v mut Vec<PersonalData>,
}

impl<'v> ValueWalk<'v> {
    fn written(&mut self, of: &Type, value: &Value) {
        match value {
            // Only input objects have fields.
            Value::Variable(name) if self.schema.get_input_object(of.inner_named_type()).is_some() => {
                if let Some(value) = self.variables.get(name) {
                    self.sent(of, value);
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.written(of, item)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    if let Some(of) = self.field(of, name) {
                        self.written(of, value);
                    }
                }
            }
            _ => {}
        }
    }

    fn sent(&mut self, of: &Type, value: &ConstValue) {
        match value {
            ConstValue::List(items) => items.iter().for_each(|item| self.sent(of, item)),
            ConstValue::Object(fields) => {
                for (name, value) in fields {
                    if let Some(of) = self.field(of, name) {
                        self.sent(of, value);
                    }
                }
            }
            _ => {}
        }
    }

    /// The type of an input object's field, which is noted where it is personal data.
    fn field(&mut self, of: &Type, name: &str) -> Option<&'v Type> {
        let (of, schema) = (of.inner_named_type(), self.schema);
        let Some(ExtendedType::InputObject(object)) = schema.types.get(of) else { return None };
        let field = object.fields.get(name)?;
        let personal = PersonalData::of_field(of, name).filter(|personal| !self.found.contains(personal));
        self.found.extend(personal);
        Some(&field.ty)
    }
}

/// Everything that is tagged, and everything of tagged types.
fn tagged() -> BTreeMap<String, bool> {
    let sdl = federation_sdl(&FederationConfig { requires_scopes: true, ..FederationConfig::default() }, true);
    let document = ast::Document::parse(sdl, "subgraph.graphql").unwrap_or_else(|WithErrors { partial, .. }| partial);
    let mut tagged = BTreeMap::new();
    for definition in &document.definitions {
        let Some(on) = definition.name() else { continue };
        let whole = has_tag(definition.directives());
        for field in fields(definition) {
            if whole || has_tag(&field.directives) {
                tagged.insert(format!("{on}.{}", field.name), needs_contact(&document, definition, &field.directives));
            }
            for argument in field.arguments.iter().filter(|argument| has_tag(&argument.directives)) {
                // Without the scope nothing is found by it that is contact data.
                tagged.insert(format!("{on}.{}({}:)", field.name, argument.name), true);
            }
        }
        if let Definition::InputObjectTypeDefinition(input) = definition {
            let fields = input.fields.iter().filter(|field| whole || has_tag(&field.directives));
            tagged.extend(fields.map(|field| (format!("{on}.{}", field.name), true)));
        }
    }
    tagged
}

fn has_tag(directives: &DirectiveList) -> bool {
    let is_ours = |tag: &Directive| tag.specified_argument_by_name("name").and_then(|name| name.as_str()) == Some(TAG);
    directives.iter().any(|directive| directive.name == "tag" && is_ours(directive))
}

/// Whether a field needs a scope, or is of a tagged type that is reached only through fields that do.
fn needs_contact(document: &ast::Document, on: &Definition, directives: &DirectiveList) -> bool {
    if directives.has("requiresScopes") {
        return true;
    }
    let leads_here = |field: &&FieldDefinition| on.name() == Some(field.ty.inner_named_type());
    has_tag(on.directives())
        && document.definitions.iter().all(|definition| {
            fields(definition).filter(leads_here).all(|field| needs_contact(document, definition, &field.directives))
        })
}

fn fields(definition: &Definition) -> impl Iterator<Item = &FieldDefinition> {
    let fields: &[Node<FieldDefinition>] = match definition {
        Definition::ObjectTypeDefinition(object) => &object.fields,
        _ => &[],
    };
    fields.iter().map(|field| &**field)
}
