//! Limits: what is refused before it costs anything.
//!
//! The steps, each cheaper than what it protects: `scan` looks at every byte once, before the parser sees the text;
//! `measure` counts over the parsed document, each fragment once, before the validator walks it; `cost` estimates how large
//! the answer can be.
//! Invariant: the work is linear in the document's bytes, whatever it says.

mod cost;
mod measure;
mod scan;

use async_graphql::Variables;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql_value::ConstValue;

use super::Code;
use crate::config;
use crate::model::PageLimits;

pub(super) use cost::{Cost, Known};
pub(super) use measure::Measured;

/// A limit, or a switch, refuses the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: Code,
    pub(super) message: String,
}

impl Refused {
    /// Whether it is a limit that refuses, rather than a mistake in the document.
    pub(super) fn is_limit(&self) -> bool {
        use Code::{
            CostTooHigh, MaxAliases, MaxDepth, MaxDirectives, MaxRecursion, MaxRepresentations, MaxRootFields,
            MaxSelections, MaxTokens, RequestTooLarge,
        };
        matches!(
            self.code,
            CostTooHigh
                | MaxAliases
                | MaxDepth
                | MaxDirectives
                | MaxRecursion
                | MaxRepresentations
                | MaxRootFields
                | MaxSelections
                | MaxTokens
                | RequestTooLarge
        )
    }

    fn past(code: Code, what: &str, limit: usize) -> Self {
        Self { code, message: format!("{what} is limited to {limit}") }
    }
}

/// What an operation can cost, before its variables are known.
pub(super) fn cost(document: &ExecutableDocument, operation: &OperationDefinition) -> Cost {
    Cost::of(document, operation)
}

/// How large the rosters are that a cost depends on.
pub(super) struct Sizes<'r> {
    /// What is known of the one that an `account` argument names, or of the request's own without one.
    pub(super) known: &'r dyn Fn(Option<&ConstValue>) -> Known,
    /// No roster has more rows.
    pub(super) largest: usize,
    /// Nobody needs to know more of a cost than that it is no more than this.
    pub(super) enough: usize,
}

/// Refuses an operation whose answer could have too many cells, and returns how many it could have.
pub(super) fn check_cost(
    cost: &Cost,
    variables: &Variables,
    sizes: Sizes<'_>,
    spent: &mut Spent,
    limits: &config::GraphQl,
) -> Result<usize, Refused> {
    let pages = PageLimits { default: limits.page_default, max: limits.page_max };
    let largest = Known { members: Some(sizes.largest), roles: Some(sizes.largest) };
    let at_most = if sizes.enough > 0 { cost.estimate(variables, pages, &|_| largest) } else { usize::MAX };
    let cells = if at_most <= sizes.enough.min(limits.cost_limit) {
        at_most
    } else {
        cost.estimate(variables, pages, sizes.known)
    };
    spent.cells = spent.cells.saturating_add(cells);
    if spent.cells > limits.cost_limit {
        return Err(Refused::past(
            Code::CostTooHigh,
            "the estimated number of cells (rows times fields)",
            limits.cost_limit,
        ));
    }
    Ok(cells)
}

/// Which of the fields that tell about the schema itself this caller may ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Switches {
    /// `__schema` and `__type`.
    pub(super) introspection: bool,
    /// `_service`.
    pub(super) service: bool,
}

/// What the documents of one HTTP request have come to so far: a batch is counted as the sum of its parts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    tokens: usize,
    selections: usize,
    fields: usize,
    aliases: usize,
    directives: usize,
    representations: usize,
    cells: usize,
    batch: bool,
}

impl Spent {
    /// Nothing yet, for the first of several.
    pub(super) fn of_batch() -> Self {
        Self { batch: true, ..Self::default() }
    }

    pub(super) fn is_of_batch(&self) -> bool {
        self.batch
    }
}

/// Refuses a text that must not reach the parser, and returns how many tokens it has.
pub(super) fn check_text(text: &str, spent: &mut Spent, limits: &config::GraphQl) -> Result<usize, Refused> {
    let before = spent.tokens;
    spent.tokens = scan::check(text, before, limits)?;
    Ok(spent.tokens - before)
}

/// Counts a text that was looked through before.
pub(super) fn check_tokens(tokens: usize, spent: &mut Spent, limits: &config::GraphQl) -> Result<(), Refused> {
    spent.tokens = spent.tokens.saturating_add(tokens);
    if spent.tokens > limits.tokens_limit { Err(scan::too_many_tokens(limits)) } else { Ok(()) }
}

/// Refuses a document that must not reach the validator, and returns what it was found to come to.
pub(super) fn check_document(
    document: &ExecutableDocument,
    variables: &Variables,
    switches: Switches,
    spent: &mut Spent,
    limits: &config::GraphQl,
) -> Result<Measured, Refused> {
    measure::check(document, variables, switches, spent, limits)
}
