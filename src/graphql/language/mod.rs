//! The language: a document's text becomes a typed, validated document, and every later stage works on that.
//!
//! The steps: `parse` → (the limits measure what came of it) → `validate`. Both stand on apollo-compiler; what it judges
//! otherwise than the specification is checked on top, a rule a file.

mod arguments;
mod coerced_variables;
mod conditions;
mod document;
mod document_errors;
mod json_value;
mod parse;
mod positions;
mod representations;
mod rules;
mod scalar_rules;
pub(super) mod scan;
mod sent_variables;
mod served_schema;
mod suggestions;
mod syntax_errors;
mod tokens;
mod validate;
mod variables;
mod wording;

pub(super) use arguments::{ArgumentError, coerce_argument, coerce_field};
pub(super) use coerced_variables::CoercedVariables;
pub(super) use conditions::{Truths, is_included};
pub(super) use document::Document;
pub(super) use document_errors::{DocumentError, DocumentErrors};
pub(super) use parse::ParsedDocument;
pub(super) use representations::SentRepresentations;
pub use sent_variables::Variables;
pub(super) use served_schema::ServedSchema;
