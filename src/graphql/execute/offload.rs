//! Offloading: whether an answer is written by a runtime's worker or beside the workers. What takes less than handing it over and
//! back is written at once.

use super::lookups::{Resolved, RootData};
use super::validated_request::ValidatedRequest;
use crate::config;
use crate::graphql::limits;

/// From so much work on, in cells, an answer is written beside the workers: it takes as long as two changes of threads.
const OFFLOAD_THRESHOLD: usize = 6000;
/// The size of each distinct list besides its rows, and of each representation besides its fields.
const LIST: usize = 256;
const REPRESENTATION: usize = 64;
/// The first request that filters or sorts a team of more members builds its indexes, which takes milliseconds.
const INDEXED_MEMBERS: usize = 1000;
/// To test a member's rank takes so many times less than to write a cell.
const TESTS: usize = 8;

/// Whether writing an answer is more work than a worker of the runtime should be held for. `cells` is what it was estimated to cost,
/// as if nothing had been asked of its teams before.
pub(super) fn is_long(
    request: &ValidatedRequest,
    resolved: &Resolved,
    cells: usize,
    settings: &config::GraphQlConfig,
) -> bool {
    let plan = &request.plan;
    let representations = resolved.roots.iter().map(|root| match root {
        RootData::Entities(list) => list.len(),
        _ => 0,
    });
    let lists = (plan.lists.len() + plan.groups.len()).saturating_mul(LIST);
    let besides = lists.saturating_add(representations.sum::<usize>().saturating_mul(REPRESENTATION));
    let is_large = resolved.views.iter().flatten().any(|view| view.roster.len() > INDEXED_MEMBERS);
    let work = if plan.uses_indexes() && is_large {
        let Some(tests) = tests_left(request, resolved) else { return true };
        let written =
            limits::written_cells(&plan.cost, &request.sizes, &|root, each| resolved.sizes(root, each), settings);
        written.saturating_add(tests / TESTS)
    } else {
        cells
    };
    work.saturating_add(besides) > OFFLOAD_THRESHOLD
}

/// How many tests of members are left to find those of all lists; `None` where it takes more than tests.
fn tests_left(request: &ValidatedRequest, resolved: &Resolved) -> Option<usize> {
    let plan = &request.plan;
    if plan.cost.finds_in_roles || !plan.groups.is_empty() {
        return None;
    }
    let lists = resolved.slots.lists.iter().flatten();
    let views = || resolved.views.iter().flatten();
    lists.flat_map(|list| views().map(|view| list.tests_left(view))).sum()
}
