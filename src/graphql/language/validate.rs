//! Validation: a parsed document is held against the schema, by the rules of the specification's chapter 5.

use super::document::Document;
use super::document_errors::{DocumentError, DocumentErrors};
use super::parse::ParsedDocument;
use super::rules::{Finding, differing_list_arguments, unfit_values};
use super::wording::in_words;

impl ParsedDocument {
    /// Validates the document, which the limits have measured before: some rules spread its fragments.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(in crate::graphql) fn validate(self) -> Result<Document, DocumentErrors> {
        let schema = self.schema.schema();
        let valid = match self.ast.to_executable_validate(schema) {
            Ok(valid) => valid,
            Err(invalid) => {
                let errors = in_words(&invalid.errors, &self);
                return Err(DocumentErrors::validation(errors));
            }
        };
        let mut findings = unfit_values(schema, &valid);
        findings.extend(differing_list_arguments(&valid));
        if findings.is_empty() {
            return Ok(Document::new(self.text, self.tokens, self.positions, self.schema, valid));
        }
        let error = |Finding { message, locations }| DocumentError {
            message,
            locations: locations.into_iter().flatten().map(|at| self.pos(at.offset())).collect(),
        };
        Err(DocumentErrors::validation(findings.into_iter().map(error).collect()))
    }
}
