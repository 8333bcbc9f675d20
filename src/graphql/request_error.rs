//! The request error: why a whole request is refused before it runs, with its code.

use super::error::Code;

/// A request that is refused as a whole: by a limit, a switch, or because its document cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestError {
    pub(super) code: Code,
    pub(super) message: String,
}

impl RequestError {
    /// Whether it is a limit that refuses, rather than a mistake in the document.
    pub(super) fn is_limit(&self) -> bool {
        use Code::{
            CostTooHigh, MaxAliases, MaxDepth, MaxDirectives, MaxFilterDepth, MaxFilterTerms, MaxListItems,
            MaxRecursion, MaxRepresentations, MaxRootFields, MaxSelections, MaxTokens, MaxVariableNodes,
            RequestTooLarge,
        };
        matches!(
            self.code,
            CostTooHigh
                | MaxAliases
                | MaxDepth
                | MaxDirectives
                | MaxFilterDepth
                | MaxFilterTerms
                | MaxListItems
                | MaxRecursion
                | MaxRepresentations
                | MaxRootFields
                | MaxSelections
                | MaxTokens
                | MaxVariableNodes
                | RequestTooLarge
        )
    }

    /// Too much that was made for the caller waits to be taken.
    pub(super) fn crowded() -> Self {
        Self { code: Code::RequestConcurrencyLimited, message: "too many answers wait to be taken".to_owned() }
    }

    pub(super) fn past(code: Code, what: &str, limit: usize) -> Self {
        Self { code, message: format!("{what} is limited to {limit}") }
    }
}
