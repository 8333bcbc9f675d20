//! Checks: an operation's arguments and cost against the limits, in two steps.
//!
//! Before anything is loaded: what a request asks for itself, and the least that it costs over any team. After its teams are
//! loaded, and before anything is computed: what it costs over these.

use super::arguments::{ArgumentKind, ArgumentSize, OperationArguments, VariableValues};
use super::cost::{Estimate, OperationCost, Rows, TeamSizes};
use super::measure::Measured;
use super::mentions::ValuesSize;
use crate::config;
use crate::graphql::error::Code;
use crate::graphql::request_error::RequestError;
use crate::model::PageLimits;

/// The texts of a filter may be as long as this many search texts together.
const FILTER_TEXTS: usize = 64;

/// What literals make of variables again may be so many times what was sent, or so many bytes, whichever is more.
const AGAIN_TIMES: usize = 16;
const AGAIN_ROOM: usize = 128 << 10;
/// The same of texts that filters fold, of which a letter may take 50 times as long as a byte that is read; and the most of them.
const FOLDED_TIMES: usize = 3;
const FOLDED_ROOM: usize = 4 << 10;
const FOLDED_LIMIT: usize = 64 << 10;

/// To resolve a field takes so many times as long as to project it.
const RESOLVED: usize = 64;

/// The totals of the operations of one HTTP request so far: a batch is counted as the sum of its parts.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::graphql) struct RequestTotals {
    pub(in crate::graphql) tokens: usize,
    pub(in crate::graphql) measured: Measured,
    pub(super) variable_nodes: usize,
    representations: usize,
    filter_terms: usize,
    least_cells: usize,
    cells: usize,
}

/// How many bytes the texts of a filter may have in all.
pub(in crate::graphql) fn filter_texts(limits: &config::GraphQlConfig) -> usize {
    limits.search_limit.saturating_mul(FILTER_TEXTS)
}

/// Rejects arguments that ask for too much, and an operation that costs too much over any team.
pub(in crate::graphql) fn check_arguments(
    arguments: &OperationArguments,
    sizes: &[ArgumentSize],
    cost: &OperationCost,
    totals: &mut RequestTotals,
    limits: &config::GraphQlConfig,
) -> Result<(), RequestError> {
    for (argument, size) in arguments.iter().zip(sizes) {
        check_argument(argument.kind, *size, limits)?;
    }
    let size = |id: usize| sizes.get(id).copied().unwrap_or_default();
    let terms = cost.filters.iter().map(|id| size(*id).terms);
    totals.filter_terms = terms.fold(totals.filter_terms, usize::saturating_add);
    let representations = cost.roots.iter().filter_map(|root| match root.rows {
        Rows::Entities(id) => Some(size(id).items),
        _ => None,
    });
    totals.representations = representations.fold(totals.representations, usize::saturating_add);
    let bounds = [
        (totals.filter_terms, limits.filter_terms_limit, Code::MaxFilterTerms, "the number of conditions in filters"),
        (
            totals.representations,
            limits.representations_limit,
            Code::MaxRepresentations,
            "the number of representations",
        ),
    ];
    past(&bounds)?;
    totals.least_cells = totals.least_cells.saturating_add(estimate(sizes, limits).least(cost));
    past(&[(totals.least_cells, limits.cost_limit, Code::CostTooHigh, CELLS)])
}

/// Rejects arguments that become much more than the `sent` bytes of document and variables: variables that are mentioned again and
/// again, and texts that filters fold again and again.
pub(in crate::graphql) fn check_mentions<'v>(
    arguments: &'v OperationArguments,
    variables: VariableValues<'v>,
    sizes: &[ArgumentSize],
    sent: usize,
    totals: &mut RequestTotals,
    limits: &config::GraphQlConfig,
) -> Result<(), RequestError> {
    let again = ValuesSize::made_again(arguments, variables);
    totals.variable_nodes = totals.variable_nodes.saturating_add(again.nodes);
    let what = "the number of values in variables, each as often as it is mentioned";
    past(&[(totals.variable_nodes, limits.variable_nodes_limit, Code::MaxVariableNodes, what)])?;
    let wrong = |message: String| Err(RequestError { code: Code::BadUserInput, message });
    let most = sent.saturating_mul(AGAIN_TIMES).max(AGAIN_ROOM);
    if again.bytes > most {
        return wrong(format!("variables that are mentioned again are limited to {most} bytes here"));
    }
    let filters = arguments.iter().zip(sizes).filter(|(argument, _)| argument.kind == ArgumentKind::Filter);
    let folded = filters.map(|(_, size)| size.characters.saturating_add(size.listed_text));
    let most = sent.saturating_mul(FOLDED_TIMES).clamp(FOLDED_ROOM, FOLDED_LIMIT);
    if folded.fold(0, usize::saturating_add) > most {
        return wrong(format!("the texts of filters are limited to {most} bytes here"));
    }
    Ok(())
}

/// Rejects an operation that costs too much over the teams that it reads, and returns what it costs, in cells. What is resolved field
/// by field says how often it repeats them, and counts more.
pub(in crate::graphql) fn check_cost(
    cost: &OperationCost,
    sizes: &[ArgumentSize],
    teams: TeamSizes<'_>,
    repetition: Option<usize>,
    totals: &mut RequestTotals,
    limits: &config::GraphQlConfig,
) -> Result<usize, RequestError> {
    let cells = estimate(sizes, limits).cells(cost, teams);
    let times = repetition.map_or(1, |repetition| repetition.saturating_mul(RESOLVED));
    check_cells(cells.saturating_mul(times), totals, limits)?;
    Ok(cells)
}

/// What an operation writes over these teams, in cells, without what its lists look through.
pub(in crate::graphql) fn written_cells(
    cost: &OperationCost,
    sizes: &[ArgumentSize],
    teams: TeamSizes<'_>,
    limits: &config::GraphQlConfig,
) -> usize {
    Estimate { finds: false, ..estimate(sizes, limits) }.cells(cost, teams)
}

/// Rejects an operation that costs too much by what is known of it, and returns what it costs.
pub(in crate::graphql) fn check_cells(
    cells: usize,
    totals: &mut RequestTotals,
    limits: &config::GraphQlConfig,
) -> Result<usize, RequestError> {
    totals.cells = totals.cells.saturating_add(cells);
    past(&[(totals.cells, limits.cost_limit, Code::CostTooHigh, CELLS)])?;
    Ok(cells)
}

const CELLS: &str = "the estimated cost in cells (rows times fields, and what is looked through for them)";

fn estimate<'e>(arguments: &'e [ArgumentSize], limits: &config::GraphQlConfig) -> Estimate<'e> {
    Estimate { arguments, pages: PageLimits { default: limits.page_default, max: limits.page_max }, finds: true }
}

fn check_argument(kind: ArgumentKind, size: ArgumentSize, limits: &config::GraphQlConfig) -> Result<(), RequestError> {
    // Representations have a limit of their own, over all fields that take them.
    let items = if kind == ArgumentKind::Representations { 0 } else { size.longest_list };
    past(&[
        (size.depth, limits.filter_depth_limit, Code::MaxFilterDepth, "the nesting of filters"),
        (items, limits.list_items_limit, Code::MaxListItems, "the number of items in a list"),
    ])?;
    let wrong = |message: String| Err(RequestError { code: Code::BadUserInput, message });
    if kind == ArgumentKind::Search && size.characters > limits.search_limit {
        return wrong(format!("a search text is limited to {} characters", limits.search_limit));
    }
    // Folding a text costs more than reading it, and a condition may hold no more of it than many searches.
    let texts = filter_texts(limits);
    if kind != ArgumentKind::Search && size.characters > texts {
        return wrong(format!("the texts of a filter are limited to {texts} bytes in all"));
    }
    if size.repeats_key {
        let what = if kind == ArgumentKind::GroupKeys { "grouped" } else { "sorted" };
        return wrong(format!("a list can be {what} by each field only once"));
    }
    Ok(())
}

/// Rejects the first of these counts that is past its limit.
fn past(bounds: &[(usize, usize, Code, &str)]) -> Result<(), RequestError> {
    match bounds.iter().find(|(count, limit, ..)| count > limit) {
        Some((_, limit, code, what)) => Err(RequestError::past(*code, what, *limit)),
        None => Ok(()),
    }
}
