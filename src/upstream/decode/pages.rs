//! Paged upstreams: puts a list together page by page. What comes out is the whole list or an error.
//!
//! The end is an empty page, one shorter than the first, one that repeats the last, or the total where the upstream says one.
//! A list that shifts while it is read (the total changes, or a row comes again on another page) is read once more from the
//! start.

use crate::model::Roster;
use std::collections::HashSet;

use super::envelope::EnvelopeReader;
use super::rows::DecodedRows;
use crate::model::Malformed;

/// One page, or a whole list, as it came.
pub struct RowPage {
    pub(in crate::upstream) rows: DecodedRows,
    /// How many rows there are on all pages, where the upstream says so.
    pub(in crate::upstream) total: Option<u64>,
}

/// A list that is being put together.
pub(in crate::upstream) struct Pages {
    limit: u32,
    rows_limit: usize,
    restarted: bool,
    pass: Pass,
}

/// What has come since the start of the list.
struct Pass {
    number: u32,
    whole: DecodedRows,
    ids: HashSet<Box<str>>,
    last: Vec<Box<str>>,
    /// DecodedRows on the first page.
    length: usize,
    total: Option<u64>,
}

impl Pages {
    /// At most `limit` pages and `rows_limit` rows.
    pub(in crate::upstream) fn new(limit: u32, rows_limit: usize) -> Self {
        Self { limit, rows_limit, restarted: false, pass: Pass::new(rows_limit) }
    }

    /// The number of the page to fetch next, from 1.
    pub(in crate::upstream) fn next(&self) -> u32 {
        self.pass.number
    }

    /// How many pages there still are at most, as far as the upstream said.
    pub(in crate::upstream) fn left(&self) -> Option<u32> {
        let pass = &self.pass;
        let rows = pass.total?.saturating_sub(pass.whole.seen() as u64);
        u32::try_from(rows.div_ceil(pass.length.max(1) as u64)).ok()
    }

    /// Takes the page that was asked for; the whole list when it was the last one.
    pub(in crate::upstream) fn take(&mut self, page: RowPage) -> Result<Option<DecodedRows>, Malformed> {
        let pass = &mut self.pass;
        let ids: Vec<Box<str>> = page.rows.draft.members().map(|member| member.id().plain().into()).collect();
        let seen = page.rows.seen();
        let first = pass.number == 1;
        if seen == 0 || (!first && seen == pass.length && ids == pass.last) {
            return Ok(Some(self.finish()));
        }
        if first {
            (pass.length, pass.total) = (seen, page.total);
        }
        let repeats = ids.iter().any(|id| pass.ids.contains(id));
        if repeats || (page.total.is_some() && page.total != pass.total) {
            if std::mem::replace(&mut self.restarted, true) {
                return Err(Malformed::Shifting);
            }
            self.pass = Pass::new(self.rows_limit);
            return Ok(None);
        }
        pass.ids.extend(ids.iter().cloned());
        pass.last = ids;
        pass.whole.append(page.rows)?;
        let complete = pass.total.is_some_and(|total| pass.whole.seen() as u64 >= total);
        if seen < pass.length || complete {
            return Ok(Some(self.finish()));
        }
        if pass.number == self.limit {
            return Err(Malformed::TooManyPages);
        }
        pass.number += 1;
        Ok(None)
    }

    fn finish(&mut self) -> DecodedRows {
        std::mem::replace(&mut self.pass, Pass::new(self.rows_limit)).whole
    }
}

impl RowPage {
    /// Reads a body, given in chunks, as the client does.
    ///
    /// # Errors
    /// What is wrong with the body, or the failure that it reports.
    pub fn read<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<Self, Malformed> {
        let chunks: Vec<&[u8]> = chunks.into_iter().collect();
        let mut reader = EnvelopeReader::new(usize::MAX);
        reader.expect(chunks.iter().map(|chunk| chunk.len()).sum());
        for chunk in chunks {
            reader.push(chunk)?;
        }
        let envelope = reader.finish()?;
        let rows = envelope.rows.filter(|_| envelope.success).ok_or(Malformed::WrongShape)?;
        Ok(Self { rows, total: envelope.total })
    }
}

impl Pass {
    fn new(rows_limit: usize) -> Self {
        let whole = DecodedRows::new(rows_limit);
        Self { number: 1, whole, ids: HashSet::new(), last: Vec::new(), length: 0, total: None }
    }
}

/// Reads a whole body, given in chunks, as the client does; for tests, fuzzing and benchmarks.
///
/// # Errors
/// What is wrong with the body, or the failure that it reports.
pub fn decode<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<Roster, Malformed> {
    Ok(RowPage::read(chunks)?.rows.into_roster(std::time::SystemTime::UNIX_EPOCH.into()))
}
