//! A validated document: what its operations select, with the definition of every field, and where it stands in the text.

use std::sync::Arc;

use apollo_compiler::collections::HashMap;
use apollo_compiler::executable::{Fragment, Operation};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::Implementers;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Node, Schema};
use async_graphql::Pos;

use super::positions::Positions;
use super::served_schema::ServedSchema;

/// A document that is valid for the served schema.
#[derive(Debug)]
pub(in crate::graphql) struct Document {
    text: Arc<str>,
    tokens: usize,
    positions: Positions,
    schema: ServedSchema,
    executable: Valid<ExecutableDocument>,
}

impl Document {
    pub(super) fn new(
        text: Arc<str>,
        tokens: usize,
        positions: Positions,
        schema: ServedSchema,
        executable: Valid<ExecutableDocument>,
    ) -> Self {
        // The document's own copy of the text serves only its own reports.
        let mut executable = executable.into_inner();
        executable.sources = Default::default();
        Self { text, tokens, positions, schema, executable: Valid::assume_valid(executable) }
    }

    /// The text that it was parsed from.
    pub(in crate::graphql) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// How many tokens the text has.
    pub(in crate::graphql) fn tokens(&self) -> usize {
        self.tokens
    }

    /// The schema that it is valid for.
    pub(in crate::graphql) fn schema(&self) -> &Valid<Schema> {
        self.schema.schema()
    }

    pub(in crate::graphql) fn served_schema(&self) -> &ServedSchema {
        &self.schema
    }

    /// Which of the schema's types implement each interface.
    pub(in crate::graphql) fn implementers(&self) -> &HashMap<Name, Implementers> {
        self.schema.implementers()
    }

    /// All its operations and fragments.
    pub(in crate::graphql) fn executable(&self) -> &Valid<ExecutableDocument> {
        &self.executable
    }

    /// The operation of this name, or without a name the only one.
    pub(in crate::graphql) fn operation(&self, name: Option<&str>) -> Option<&Node<Operation>> {
        self.executable.operations.get(name).ok()
    }

    /// The fragment of this name. The validation has seen to it that every spread finds its fragment, and no fragment itself.
    pub(in crate::graphql) fn fragment(&self, name: &str) -> Option<&Node<Fragment>> {
        self.executable.fragments.get(name)
    }

    /// Memory held besides the typed document, in bytes.
    pub(in crate::graphql) fn text_size(&self) -> usize {
        self.text.len() + self.positions.size()
    }

    /// Where something of the document begins in its text.
    pub(in crate::graphql) fn pos(&self, location: Option<SourceSpan>) -> Pos {
        location.map_or_else(Pos::default, |at| self.positions.at(&self.text, at.offset()))
    }
}
