//! Builds a roster: takes rows as they are decoded, before it is known which of them stay.

use std::collections::HashMap;

use ahash::RandomState;

use super::json_str::{JsonArena, JsonSpan, JsonStr};
use super::member_record::{MemberRecord, StringIndex, Strings};
use super::row_facts::RowFacts;
use super::shared_texts::SharedTexts;
use super::{Drift, Roster, SkippedRow, TeamMember, Timestamp, Unrecognized};

/// By how much the room that is made for rows may exceed what rows like those before would need. Less than what is given back
/// in the end.
const SLACK: f64 = 1.0 / 32.0;

/// Rows, and their texts.
#[derive(Default)]
pub struct RosterBuilder {
    pub(super) strings: Strings,
    pub(super) rows: Vec<MemberRecord>,
    facts: RowFacts,
    roles: IdTable,
    agencies: IdTable,
    shared: SharedTexts,
}

/// Where the texts of a row begin, to take them back.
#[derive(Clone, Copy, Default)]
pub struct Checkpoint(usize, usize, usize);

/// A list of texts that has been begun.
#[derive(Clone, Copy)]
pub struct OpenList(usize);

impl RosterBuilder {
    /// The rows so far.
    pub fn members(&self) -> impl ExactSizeIterator<Item = TeamMember<'_>> {
        self.rows.iter().map(|row| TeamMember::new(&self.strings, row))
    }

    /// Makes room for so many more rows and bytes of text.
    pub fn expect(&mut self, rows: usize, text: usize) {
        self.rows.reserve(rows);
        self.facts.id_hashes.reserve(rows);
        self.strings.texts.reserve(text);
    }

    /// Makes room for so many times more rows and text than there are, and for a little more, up to these limits.
    pub fn expect_like(&mut self, times: f64, rows: usize, text: usize) {
        let more = |length: usize| (length as f64 * times * (1.0 + SLACK)) as usize;
        self.expect(more(self.rows.len()).min(rows), more(self.strings.texts.len()).min(text));
    }

    /// Whether there is more text than a roster can hold.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.strings.texts.len() > JsonArena::LIMIT
    }

    /// Keeps a text.
    pub fn put(&mut self, text: JsonStr<'_>) -> JsonSpan {
        self.strings.texts.put(text)
    }

    /// Keeps a text that other rows may have, too, once.
    pub fn put_shared(&mut self, text: JsonStr<'_>) -> JsonSpan {
        self.shared.put(&mut self.strings.texts, text)
    }

    /// The list of texts that other rows had, where its JSON was the same to the byte.
    #[must_use]
    pub fn list_like(&self, json: &str) -> Option<JsonSpan> {
        self.shared.list(&self.strings.texts, json)
    }

    /// Begins a list.
    pub fn open_list(&mut self) -> OpenList {
        OpenList(self.strings.texts.open_list())
    }

    /// Makes room for the next text of a list.
    pub fn next_item(&mut self, list: OpenList) {
        self.strings.texts.next_item(list.0);
    }

    /// Ends a list, which is kept once where other rows had the same.
    pub fn close_list(&mut self, list: OpenList) -> JsonSpan {
        let list = self.strings.texts.close_list(list.0);
        self.shared.put_list(&mut self.strings.texts, list)
    }

    /// The text at this span.
    #[must_use]
    pub fn text(&self, span: JsonSpan) -> JsonStr<'_> {
        self.strings.texts.get(span)
    }

    /// Keeps a role's id, which many rows have, once; gives it to the row.
    pub fn set_role(&mut self, row: &mut MemberRecord, id: Option<&str>) {
        let index = |id| self.roles.index(id, &mut self.strings.roles, &mut self.strings.texts);
        row.role = id.map(index).map(StringIndex::new);
    }

    /// Keeps an agency's id, which nearly all rows have, once; gives it to the row.
    pub fn set_agency(&mut self, row: &mut MemberRecord, id: Option<&str>) {
        let index = |id| self.agencies.index(id, &mut self.strings.agencies, &mut self.strings.texts);
        row.agency = id.map(index).map(StringIndex::new);
    }

    /// Where the texts of the next row begin.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.strings.texts.len(), self.strings.roles.len(), self.strings.agencies.len())
    }

    /// Takes back what was put since.
    pub fn rollback(&mut self, Checkpoint(texts, roles, agencies): Checkpoint) {
        self.roles.truncate(roles);
        self.agencies.truncate(agencies);
        self.strings.roles.truncate(roles);
        self.strings.agencies.truncate(agencies);
        self.strings.texts.truncate(texts);
        self.shared.truncate(texts);
    }

    /// Takes back all rows but the first `length`; their texts are taken back by their checkpoint.
    pub fn truncate(&mut self, length: usize) {
        self.rows.truncate(length);
        self.facts.truncate(length);
    }

    /// Gives the last row its unreadable values, by the names of their fields; `None` where there is no such row or field.
    pub fn set_unrecognized(&mut self, values: &[(String, String, bool)]) -> Option<()> {
        let value = |(field, value, has_structure): &(String, String, bool)| {
            let (field, value) = (Unrecognized::field_of(field)?, value.as_str().into());
            Some(Unrecognized { field, value, has_structure: *has_structure })
        };
        self.rows.last_mut()?.unrecognized = Some(Box::new(values.iter().map(value).collect::<Option<_>>()?));
        Some(())
    }

    /// Takes a row, whose texts have been put.
    pub fn push(&mut self, row: MemberRecord) {
        self.look_at_rows();
        self.rows.push(row);
    }

    /// Looks at the rows that there are; otherwise the last ones are looked at later.
    pub fn look_at_rows(&mut self) {
        self.facts.look(&self.strings, &self.rows);
    }

    /// Puts the rows of `next` behind these.
    pub fn append(&mut self, mut next: Self) {
        self.look_at_rows();
        next.look_at_rows();
        let before = u32::try_from(self.strings.texts.len()).unwrap_or(u32::MAX);
        self.strings.texts.append(&next.strings.texts);
        for row in next.rows {
            let (role, agency) = (row.role, row.agency);
            let mut row = row.moved(before);
            let id = |spans: &[JsonSpan], index: Option<StringIndex>| {
                index.map(|index| next.strings.texts.get(spans[index.get() as usize]).plain())
            };
            self.set_role(&mut row, id(&next.strings.roles, role).as_deref());
            self.set_agency(&mut row, id(&next.strings.agencies, agency).as_deref());
            self.rows.push(row);
        }
        self.facts.append(next.facts, &self.strings, &self.rows);
    }

    /// Makes a snapshot of what the upstream told at `fetched_at`. Of rows with the same id the one with the newest
    /// `updated_at` stays, of equally new ones the last.
    #[must_use]
    pub fn finish(self, skipped_rows: Vec<SkippedRow>, drift: Drift, fetched_at: Timestamp) -> Roster {
        Roster::new(self.strings, self.rows, self.facts, skipped_rows, drift, fetched_at)
    }
}

/// The few different ids that many rows name, and their indices.
#[derive(Default)]
struct IdTable {
    indices: HashMap<Box<str>, u32, RandomState>,
    /// The one named last, which is often named next.
    last: usize,
}

impl IdTable {
    fn index(&mut self, id: &str, spans: &mut Vec<JsonSpan>, texts: &mut JsonArena) -> u32 {
        let index = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        if spans.get(self.last).is_some_and(|span| texts.get(*span) == *id) {
            return index(self.last);
        }
        if let Some(known) = self.indices.get(id) {
            self.last = *known as usize;
            return *known;
        }
        self.last = spans.len();
        self.indices.insert(id.into(), index(self.last));
        spans.push(JsonStr::of(id, |id| texts.put(id)));
        index(self.last)
    }

    fn truncate(&mut self, length: usize) {
        if self.indices.len() > length {
            self.indices.retain(|_, index| (*index as usize) < length);
        }
    }
}
