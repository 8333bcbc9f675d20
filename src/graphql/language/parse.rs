//! Parsing: turns a text into a document that the grammar accepts. It is measured by the limits, and then validated.

use std::sync::Arc;

use apollo_compiler::ast;
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::parser::Parser;
use async_graphql::Pos;

use super::document_errors::DocumentErrors;
use super::positions::Positions;
use super::rules::{empty_schema, empty_selection};
use super::served_schema::ServedSchema;
use super::syntax_errors::syntax_error;
use super::tokens::{argument_without_value, without_ignored};

/// A document that the grammar accepts. The limits measure it before it is validated.
pub(in crate::graphql) struct ParsedDocument {
    pub(super) text: Arc<str>,
    pub(super) tokens: usize,
    pub(super) positions: Positions,
    pub(super) schema: ServedSchema,
    pub(super) ast: ast::Document,
}

impl ServedSchema {
    /// Parses a text that the scan let through, in which it counted `tokens` and brackets that nest no deeper than
    /// `nesting`.
    ///
    /// # Errors
    /// The syntax error.
    pub(in crate::graphql) fn parse(
        &self,
        text: Arc<str>,
        tokens: usize,
        nesting: usize,
    ) -> Result<ParsedDocument, DocumentErrors> {
        let positions = Positions::of(&text);
        // The scan has counted both. The parser counts what is ignored (each comma, space and comment) as tokens, of which
        // there are no more than bytes, and levels a little differently; what it allows covers what the scan allows.
        let mut parser = Parser::new().token_limit(text.len() + 1).recursion_limit(nesting.saturating_mul(2) + 8);
        let ast = parser.parse_ast(without_ignored(&text), "document.graphql").map_err(|failed| {
            // A parser that goes on after a mistake finds others that are none: only the first counts.
            let first = failed.errors.iter().min_by_key(|error| error.error.location().map(|at| at.offset()));
            let offset = first.as_ref().and_then(|error| Some(error.error.location()?.offset()));
            let finding = first.map_or_else(String::new, |error| error.error.to_string());
            syntax_error(&text, &positions, offset.unwrap_or(text.len()), &finding)
        })?;
        // Definitions of types are refused later; their grammar is not looked at here.
        let mut executable = ast.definitions.iter().filter(|definition| definition.is_executable_definition());
        let without_value = if executable.clone().count() == ast.definitions.len() {
            argument_without_value(&text)
        } else {
            executable.find_map(|definition| {
                let at = definition.location()?;
                Some(at.offset() + argument_without_value(text.get(at.offset()..at.end_offset())?)?)
            })
        };
        if let Some(offset) = without_value {
            return Err(syntax_error(&text, &positions, offset, "expected COLON"));
        }
        if let Some(around) = empty_selection(&ast) {
            let end = text.get(..around.end_offset()).and_then(|text| text.rfind('}'));
            return Err(syntax_error(&text, &positions, end.unwrap_or(around.offset()), "expected a Name"));
        }
        if let Some(definition) = empty_schema(&ast) {
            let before = text.get(..definition.end_offset()).unwrap_or(&text).trim_end().len();
            let after = text.get(before..).and_then(|rest| rest.find(|c: char| !c.is_whitespace()));
            return Err(syntax_error(&text, &positions, before + after.unwrap_or(0), "expected L_CURLY"));
        }
        Ok(ParsedDocument { text, tokens, positions, schema: self.clone(), ast })
    }
}

impl ParsedDocument {
    /// The document to measure. It may contradict the schema and itself: only what [`validate`](Self::validate) returns is
    /// sound.
    pub(in crate::graphql) fn ast(&self) -> &ast::Document {
        &self.ast
    }

    pub(super) fn pos(&self, offset: usize) -> Pos {
        self.positions.at(&self.text, offset)
    }
}
