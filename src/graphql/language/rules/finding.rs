//! A finding of a validation rule: the message, and the locations in the document.

use apollo_compiler::parser::SourceSpan;

/// A mistake, and the places in the text that it is about.
pub(in super::super) struct Finding {
    pub(in super::super) message: String,
    pub(in super::super) locations: Vec<Option<SourceSpan>>,
}
