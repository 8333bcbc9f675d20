//! Limits: what is refused before it costs anything.
//!
//! The steps, each cheaper than what it protects: `scan` looks at every byte once, before the parser sees the text;
//! `measure` counts over the parsed document, each fragment once, before the validator walks it; `cost` estimates how large
//! the answer can be.
//! Invariant: the work is linear in the document's bytes, whatever it says.

use super::cost::{Cost, RosterSize};
use super::measure::{self, Measured};
use crate::graphql::language::scan;
use crate::graphql::request_error::RequestError;
use async_graphql::Variables;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql_value::ConstValue;

use crate::config;
use crate::graphql::error::Code;
use crate::model::PageLimits;

/// What an operation can cost, before its variables are known.
pub(in crate::graphql) fn cost(document: &ExecutableDocument, operation: &OperationDefinition) -> Cost {
    Cost::of(document, operation)
}

/// How large the rosters are that a cost depends on.
pub(in crate::graphql) struct CostBounds<'r> {
    /// What is known of the one that an `account` argument names, or of the request's own without one.
    pub(in crate::graphql) known: &'r dyn Fn(Option<&ConstValue>) -> RosterSize,
    /// No roster has more rows.
    pub(in crate::graphql) largest: usize,
    /// Nobody needs to know more of a cost than that it is no more than this.
    pub(in crate::graphql) enough: usize,
}

/// Refuses an operation whose answer could have too many cells, and returns how many it could have.
pub(in crate::graphql) fn check_cost(
    cost: &Cost,
    variables: &Variables,
    sizes: CostBounds<'_>,
    totals: &mut RequestTotals,
    limits: &config::GraphQlConfig,
) -> Result<usize, RequestError> {
    let pages = PageLimits { default: limits.page_default, max: limits.page_max };
    let largest = RosterSize { members: Some(sizes.largest), roles: Some(sizes.largest) };
    let at_most = if sizes.enough > 0 { cost.estimate(variables, pages, &|_| largest) } else { usize::MAX };
    let cells = if at_most <= sizes.enough.min(limits.cost_limit) {
        at_most
    } else {
        cost.estimate(variables, pages, sizes.known)
    };
    totals.cells = totals.cells.saturating_add(cells);
    if totals.cells > limits.cost_limit {
        return Err(RequestError::past(
            Code::CostTooHigh,
            "the estimated number of cells (rows times fields)",
            limits.cost_limit,
        ));
    }
    Ok(cells)
}

/// Which of the fields that tell about the schema itself this caller may ask for.
#[derive(Clone, Copy, Debug)]
pub(in crate::graphql) struct IntrospectionSwitches {
    /// `__schema` and `__type`.
    pub(in crate::graphql) introspection: bool,
    /// `_service`.
    pub(in crate::graphql) service: bool,
}

/// What the documents of one HTTP request have come to so far: a batch is counted as the sum of its parts.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::graphql) struct RequestTotals {
    pub(super) tokens: usize,
    pub(super) selections: usize,
    pub(super) fields: usize,
    pub(super) aliases: usize,
    pub(super) directives: usize,
    pub(super) representations: usize,
    pub(super) cells: usize,
    pub(super) batch: bool,
}

impl RequestTotals {
    /// Nothing yet, for the first of several.
    pub(in crate::graphql) fn of_batch() -> Self {
        Self { batch: true, ..Self::default() }
    }

    pub(in crate::graphql) fn is_of_batch(&self) -> bool {
        self.batch
    }
}

/// Refuses a text that must not reach the parser, and returns how many tokens it has.
pub(in crate::graphql) fn check_text(
    text: &str,
    totals: &mut RequestTotals,
    limits: &config::GraphQlConfig,
) -> Result<usize, RequestError> {
    let before = totals.tokens;
    totals.tokens = scan::check(text, before, limits)?;
    Ok(totals.tokens - before)
}

/// Counts a text that was looked through before.
pub(in crate::graphql) fn check_tokens(
    tokens: usize,
    totals: &mut RequestTotals,
    limits: &config::GraphQlConfig,
) -> Result<(), RequestError> {
    totals.tokens = totals.tokens.saturating_add(tokens);
    if totals.tokens > limits.tokens_limit { Err(scan::too_many_tokens(limits)) } else { Ok(()) }
}

/// Refuses a document that must not reach the validator, and returns what it was found to come to.
pub(in crate::graphql) fn check_document(
    document: &ExecutableDocument,
    variables: &Variables,
    switches: IntrospectionSwitches,
    totals: &mut RequestTotals,
    limits: &config::GraphQlConfig,
) -> Result<Measured, RequestError> {
    measure::check(document, variables, switches, totals, limits)
}
