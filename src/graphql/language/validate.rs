//! Validation: a parsed document is held against the schema, by the rules of the specification's chapter 5.

use apollo_compiler::diagnostic::{Diagnostic, ToCliReport};
use apollo_compiler::validation::DiagnosticData;

use super::document::Document;
use super::document_errors::{DocumentError, DocumentErrors};
use super::parse::ParsedDocument;

impl ParsedDocument {
    /// Validates the document.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(in crate::graphql) fn validate(self) -> Result<Document, DocumentErrors> {
        match self.ast.to_executable_validate(self.schema.schema()) {
            Ok(valid) => Ok(Document::new(self.text, self.tokens, self.positions, self.schema, valid)),
            Err(invalid) => {
                let error = |error: Diagnostic<'_, DiagnosticData>| {
                    let place = error.error.location().map(|at| self.positions.at(&self.text, at.offset()));
                    let message = error.error.unstable_compat_message().unwrap_or_else(|| error.error.to_string());
                    DocumentError { message, locations: place.into_iter().collect() }
                };
                Err(DocumentErrors::validation(invalid.errors.iter().map(error).collect()))
            }
        }
    }
}
