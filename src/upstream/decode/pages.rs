//! Paged upstreams: puts a list together page by page. What comes out is the whole list or an error.
//!
//! The list ends with an empty page, one shorter than the first, one that repeats the last, or the total where the upstream
//! says one. A list that changed while it was read is read once more from the start: when the total changed, rows are missing,
//! an id came twice, or a row was updated after the first page was read. (An update to a page that was read already cannot be
//! seen, and does no harm: what was read is the list as it was before.) When it changes again, or may not be read again, it is
//! taken as it came, with a mark among the skipped rows: a list that never rests must not cost the plan without end.

use std::collections::HashSet;

use super::ahead::RowsAhead;
use super::envelope::EnvelopeReader;
use super::rows::DecodedRows;
use crate::model::{Malformed, Roster, SkippedRow, TeamMember, Timestamp};

/// The reason of the skipped row that marks a list which changed while it was read.
pub(super) const CHANGED: &str = "the list changed while it was read: rows may be missing or out of date";

/// In milliseconds: the upstream says to the second when it sent an answer.
const SECOND: i64 = 1000;

/// One page, or a whole list, as it came.
pub struct RowPage {
    pub(in crate::upstream) rows: DecodedRows,
    /// How many rows there are on all pages, where the upstream says so.
    pub(in crate::upstream) total: Option<u64>,
    /// When it was sent, to the second, by the upstream's own clock where it says so.
    pub(in crate::upstream) sent: Option<Timestamp>,
}

/// How a page was read.
#[derive(Clone, Copy)]
pub(in crate::upstream) struct PageRead {
    /// When the list was begun, and when this page had come, by our clock.
    pub(in crate::upstream) began: Timestamp,
    pub(in crate::upstream) ended: Timestamp,
    /// Whether the list may be read again from the start.
    pub(in crate::upstream) may_repeat: bool,
}

/// A list that is being put together.
pub(in crate::upstream) struct Pages {
    limit: u32,
    rows_limit: usize,
    /// Whether a total that differs from the rows that came shows a change.
    exact_totals: bool,
    /// How a first pass ended that found a change.
    first_pass: Option<PassEnd>,
    pass: Pass,
    /// Whether the list that is complete has changed all the same.
    changed: bool,
}

/// How far a list has been read.
#[expect(clippy::large_enum_variant, reason = "one is made for a page")]
pub(in crate::upstream) enum ListProgress {
    /// There are more pages.
    More,
    /// It changed while it was read, and is read again from the start.
    Restarted,
    /// It is whole.
    Complete(DecodedRows),
}

/// The rows since the start of the list.
struct Pass {
    number: u32,
    whole: DecodedRows,
    ids: HashSet<Box<str>>,
    last: Vec<Box<str>>,
    /// Rows on the first page.
    length: usize,
    total: Option<u64>,
    /// When the upstream sent the first page, where its clock is not ours.
    sent: Option<Timestamp>,
    changed: bool,
}

/// The number of rows and the total of a pass whose rows did not add up.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PassEnd {
    rows: usize,
    total: Option<u64>,
}

impl Pages {
    /// At most `limit` pages and `rows_limit` rows. With `exact_totals`, the total that the upstream says is the number of
    /// its rows.
    pub(in crate::upstream) fn new(limit: u32, rows_limit: usize, exact_totals: bool) -> Self {
        Self { limit, rows_limit, exact_totals, first_pass: None, pass: Pass::new(rows_limit), changed: false }
    }

    /// The number of the page to fetch next, from 1.
    pub(in crate::upstream) fn next(&self) -> u32 {
        self.pass.number
    }

    /// How many pages there still are, as far as the upstream said.
    pub(in crate::upstream) fn left(&self) -> Option<u32> {
        let pass = Some(&self.pass).filter(|_| self.exact_totals)?;
        let rows = pass.total?.saturating_sub(pass.whole.seen() as u64);
        u32::try_from(rows.div_ceil(pass.length.max(1) as u64)).ok()
    }

    /// Whether the total was found to be no number of rows: two passes ended alike, and not with it.
    pub(in crate::upstream) fn has_odd_totals(&self) -> bool {
        !self.exact_totals
    }

    /// Whether the complete list has changed while it was read for the second time; `None` where it was not read twice.
    pub(in crate::upstream) fn never_rests(&self) -> Option<bool> {
        (self.first_pass.is_some() || !self.changed).then_some(self.changed)
    }

    /// Takes the page that was asked for.
    pub(in crate::upstream) fn take(&mut self, page: RowPage, read: PageRead) -> Result<ListProgress, Malformed> {
        let pass = &mut self.pass;
        let ids: Vec<Box<str>> = page.rows.builder.members().map(|member| member.id().plain().into()).collect();
        let seen = page.rows.seen();
        let first = pass.number == 1;
        if seen == 0 || (!first && seen == pass.length && ids == pass.last) {
            return Ok(self.finish(read));
        }
        if first {
            (pass.length, pass.total) = (seen, page.total);
            pass.sent = page.sent.filter(|sent| !read.includes(*sent));
        }
        let repeats = ids.iter().any(|id| pass.ids.contains(id));
        let counts = page.total.is_some() && page.total != pass.total;
        if repeats || counts || (!first && pass.was_updated(&page, read)) {
            if self.first_pass.is_none() && read.may_repeat {
                return Ok(self.restart());
            }
            pass.changed = true;
            pass.total = page.total.or(pass.total);
        }
        pass.ids.extend(ids.iter().cloned());
        pass.last = ids;
        pass.whole.append(page.rows)?;
        let complete = pass.total.is_some_and(|total| pass.whole.seen() as u64 >= total);
        if seen < pass.length || complete {
            return Ok(self.finish(read));
        }
        if pass.number == self.limit {
            return Err(Malformed::TooManyPages);
        }
        pass.number += 1;
        Ok(ListProgress::More)
    }

    fn restart(&mut self) -> ListProgress {
        self.first_pass = Some(PassEnd { rows: self.pass.whole.seen(), total: self.pass.total });
        self.pass = Pass::new(self.rows_limit);
        ListProgress::Restarted
    }

    fn finish(&mut self, read: PageRead) -> ListProgress {
        let end = PassEnd { rows: self.pass.whole.seen(), total: self.pass.total };
        let missing = self.exact_totals && end.total.is_some_and(|total| total > end.rows as u64);
        if missing {
            match self.first_pass {
                None if read.may_repeat => return self.restart(),
                None => self.pass.changed = true,
                // Twice the same is no change, but what this upstream means by a total.
                Some(first) if first == end => self.exact_totals = false,
                Some(_) => self.pass.changed = true,
            }
        }
        let pass = std::mem::replace(&mut self.pass, Pass::new(self.rows_limit));
        let mut whole = pass.whole;
        self.changed = pass.changed;
        if pass.changed {
            let index = u32::try_from(whole.seen()).unwrap_or(u32::MAX);
            whole.skipped.push(SkippedRow { index, reason: CHANGED });
        }
        ListProgress::Complete(whole)
    }
}

impl RowPage {
    /// Reads a body, given in chunks, as the client does.
    ///
    /// # Errors
    /// When the body is malformed, or reports a failure.
    pub fn read<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<Self, Malformed> {
        Self::read_with(chunks, |reader, chunk| reader.push(chunk))
    }

    fn read_with<'c>(
        chunks: impl IntoIterator<Item = &'c [u8]>,
        push: impl Fn(&mut EnvelopeReader, &[u8]) -> Result<(), Malformed>,
    ) -> Result<Self, Malformed> {
        let chunks: Vec<&[u8]> = chunks.into_iter().collect();
        let mut reader = EnvelopeReader::new(usize::MAX);
        reader.expect(chunks.iter().map(|chunk| chunk.len()).sum());
        for chunk in chunks {
            push(&mut reader, chunk)?;
        }
        let envelope = reader.finish()?;
        let rows = envelope.rows.filter(|_| envelope.success).ok_or(Malformed::WrongShape)?;
        Ok(Self { rows, total: envelope.total, sent: None })
    }

    fn into_roster(self) -> Roster {
        self.rows.into_roster(std::time::SystemTime::UNIX_EPOCH.into())
    }
}

impl Pass {
    fn new(rows_limit: usize) -> Self {
        let whole = DecodedRows::new(rows_limit);
        let (ids, last) = (HashSet::new(), Vec::new());
        Self { number: 1, whole, ids, last, length: 0, total: None, sent: None, changed: false }
    }

    /// Whether a row of this page was updated after the first page was read, by our clock, which is exact, or by the upstream's
    /// where they differ. A date that lies ahead is none.
    fn was_updated(&self, page: &RowPage, read: PageRead) -> bool {
        let meanwhile = match (self.sent, page.sent) {
            (Some(first), Some(this)) => first.millis() + SECOND..=this.millis() + SECOND,
            _ => read.began.millis() + 1..=read.ended.millis() + SECOND,
        };
        page.rows.builder.members().filter_map(TeamMember::updated_at).any(|time| meanwhile.contains(&time.millis()))
    }
}

impl PageRead {
    /// Whether the upstream's clock, which tells whole seconds, can have shown this meanwhile if it agrees with ours.
    fn includes(self, sent: Timestamp) -> bool {
        sent.millis() + SECOND > self.began.millis() && sent.millis() <= self.ended.millis()
    }
}

/// Reads a whole body, given in chunks, as the client does; for tests, fuzzing and benchmarks.
///
/// # Errors
/// When the body is malformed, or reports a failure.
pub fn decode<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<Roster, Malformed> {
    RowPage::read(chunks).map(RowPage::into_roster)
}

/// The same where of each chunk the rows from the next one behind `from` on are read ahead, as another thread does for the client.
///
/// # Errors
/// When the body is malformed, or reports a failure.
pub fn decode_ahead<'c>(chunks: impl IntoIterator<Item = &'c [u8]>, from: usize) -> Result<Roster, Malformed> {
    let page = RowPage::read_with(chunks, |reader, chunk| {
        let (begin, chunk) = chunk.split_at(from.min(chunk.len()));
        // The key that rows begin with is known from the first one.
        reader.push(begin)?;
        let (front, back) = chunk.split_at(reader.find_row(chunk, 0).unwrap_or(chunk.len()));
        let ahead = RowsAhead::read(back, usize::MAX);
        reader.push(front)?;
        let taken = reader.take_ahead(ahead)?;
        reader.push(&back[taken..])
    });
    page.map(RowPage::into_roster)
}
