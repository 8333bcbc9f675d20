//! The schema that documents are validated against: the one that async-graphql defines, read from the SDL that it prints.

use std::sync::Arc;

use apollo_compiler::collections::HashMap;
use apollo_compiler::schema::{ExtendedType, Implementers};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

use crate::graphql::schema;

/// The served schema, in the form that typed documents refer to.
#[derive(Clone, Debug)]
pub(in crate::graphql) struct ServedSchema(Arc<Served>);

#[derive(Debug)]
struct Served {
    schema: Valid<Schema>,
    /// Whether errors suggest names of the schema.
    suggestions: bool,
    /// Which types implement each interface: introspection asks for it.
    implementers: HashMap<Name, Implementers>,
    /// The names of input fields and of enums' values, as values have them: values share them.
    input_names: HashMap<Name, async_graphql::Name>,
}

impl ServedSchema {
    /// The API's schema, or a subgraph's: the API with `_entities` and `_service`; `tokens` adds the mutation that
    /// issues permanent tokens.
    ///
    /// # Panics
    /// When apollo-compiler finds async-graphql's schema invalid, which a start of the service shows and every test holds.
    #[must_use]
    pub(in crate::graphql) fn new(subgraph: bool, tokens: bool, suggestions: bool) -> Self {
        let sdl = schema::served_sdl(subgraph, tokens);
        match Schema::parse_and_validate(sdl, "schema.graphql") {
            Ok(schema) => {
                let (implementers, input_names) = (schema.implementers_map(), input_names(&schema));
                Self(Arc::new(Served { schema, suggestions, implementers, input_names }))
            }
            Err(invalid) => panic!("the served schema is not valid: {}", invalid.errors),
        }
    }

    pub(in crate::graphql) fn schema(&self) -> &Valid<Schema> {
        &self.0.schema
    }

    pub(super) fn suggestions(&self) -> bool {
        self.0.suggestions
    }

    pub(in crate::graphql) fn implementers(&self) -> &HashMap<Name, Implementers> {
        &self.0.implementers
    }

    /// The name of an input field, or of an enum's value, as values have it.
    pub(super) fn input_name(&self, name: &Name) -> async_graphql::Name {
        self.0.input_names.get(name).cloned().unwrap_or_else(|| async_graphql::Name::new(name))
    }
}

fn input_names(schema: &Schema) -> HashMap<Name, async_graphql::Name> {
    let names = schema.types.values().flat_map(|of| {
        let (fields, values) = match of {
            ExtendedType::InputObject(of) => (Some(of.fields.keys()), None),
            ExtendedType::Enum(of) => (None, Some(of.values.keys())),
            _ => (None, None),
        };
        fields.into_iter().flatten().chain(values.into_iter().flatten())
    });
    names.map(|name| (name.clone(), async_graphql::Name::new(name))).collect()
}
