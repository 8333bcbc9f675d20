//! Parsing: text becomes a document whose selections know their definitions, not validated yet.

use std::sync::Arc;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast;
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::parser::Parser;

use super::document_errors::{DocumentError, DocumentErrors};
use super::positions::Positions;
use super::served_schema::ServedSchema;

/// A document that the grammar accepts. The limits measure it before it is validated.
pub(in crate::graphql) struct ParsedDocument {
    pub(super) text: Arc<str>,
    pub(super) tokens: usize,
    pub(super) positions: Positions,
    pub(super) schema: ServedSchema,
    pub(super) ast: ast::Document,
    /// Without the selections that have no definition in the schema; those are found again by the validation.
    pub(super) typed: ExecutableDocument,
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
        // The scan has counted both. The parser counts what is ignored (each comma, space and comment) as tokens, of which
        // there are no more than bytes, and levels a little differently; what it allows covers what the scan allows.
        let mut parser = Parser::new().token_limit(text.len() + 1).recursion_limit(nesting.saturating_mul(2) + 8);
        let positions = Positions::of(&text);
        let ast = match parser.parse_ast(&*text, "document.graphql") {
            Ok(ast) => ast,
            Err(failed) => {
                let error = failed.errors.iter().min_by_key(|error| error.error.location().map(|at| at.offset()));
                let offset = error.as_ref().and_then(|error| Some(error.error.location()?.offset()));
                let message = error.map_or_else(String::new, |error| error.error.to_string());
                let message = message.trim_start_matches("syntax error: ");
                return Err(DocumentErrors::syntax(DocumentError {
                    message: format!("Syntax Error: {message}"),
                    locations: vec![positions.at(&text, offset.unwrap_or(text.len()).min(text.len()))],
                }));
            }
        };
        let typed = ast.to_executable(self.schema()).unwrap_or_else(|with_errors| with_errors.partial);
        Ok(ParsedDocument { text, tokens, positions, schema: self.clone(), ast, typed })
    }
}

impl ParsedDocument {
    /// What is to be measured. It may contradict itself: only what [`validate`](Self::validate) returns is sound.
    pub(in crate::graphql) fn typed(&self) -> &ExecutableDocument {
        &self.typed
    }
}
