//! Rows that could not be read: a list that is short by some says so.

use async_graphql::{Result, SimpleObject};

use super::list_arguments::list_length;
use super::metered::Metered;
use super::session::View;

/// A row of the upstream's answer that could not be read.
#[derive(SimpleObject)]
pub(super) struct SkippedRow {
    /// The row's index in the upstream's list, from 0.
    index: i32,
    /// Why it could not be read.
    reason: &'static str,
}

/// The first rows of a snapshot that could not be read.
pub(super) fn skipped_rows(view: &View, first: Option<i32>) -> Result<Vec<Metered<SkippedRow>>> {
    let rows = view.roster.skipped_rows().iter().take(list_length(first)?);
    Ok(rows
        .map(|row| Metered(SkippedRow { index: i32::try_from(row.index).unwrap_or(i32::MAX), reason: row.reason }))
        .collect())
}
