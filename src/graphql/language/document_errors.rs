//! The errors of a document: messages in the words of graphql-js, each with its location.

use async_graphql::Pos;

use crate::graphql::error::Code;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::graphql) struct DocumentError {
    pub(in crate::graphql) message: String,
    pub(in crate::graphql) locations: Vec<Pos>,
}

/// Everything that is wrong with a document, in the order of the text. It is never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::graphql) struct DocumentErrors {
    pub(in crate::graphql) code: Code,
    pub(in crate::graphql) errors: Vec<DocumentError>,
}

impl DocumentErrors {
    /// The text is not GraphQL.
    pub(super) fn syntax(error: DocumentError) -> Self {
        Self { code: Code::ParseFailed, errors: vec![error] }
    }

    /// The document does not fit the schema. What is found in several operations is said once.
    pub(super) fn validation(mut errors: Vec<DocumentError>) -> Self {
        let key = |error: &DocumentError| error.locations.first().map(|place| (place.line, place.column));
        errors.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message)));
        errors.dedup();
        Self { code: Code::ValidationFailed, errors }
    }
}
