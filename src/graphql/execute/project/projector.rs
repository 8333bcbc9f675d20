//! Projection: the answer's data, written as JSON straight from the rosters, by a plan.
//!
//! No future, no value tree, no map: a field's text goes from the roster into the answer. Errors come in the order in which
//! what they null is written, the order that `answer` brings the engine's into.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::{Error, Pos, Result};
use smallvec::SmallVec;

use super::found_members::{FoundMembers, ListRows};
use crate::graphql::execute::answer_errors::{AnswerErrors, Segment};
use crate::graphql::execute::arguments::ArgumentSlots;
use crate::graphql::execute::lookups::{Resolved, RootData};
use crate::graphql::first_map::FirstMap;
use crate::graphql::json;
use crate::graphql::plan::plan::{
    AccountField, ConnectionField, EdgeField, PageInfoField, Plan, PlannedField, PlannedObject, RootField,
    SkippedRowField,
};
use crate::graphql::schema::{PreparedList, View};
use crate::model::{Cancellation, Cancelled, Group, Page, PageLimits, RowCounter, Timestamp};

/// The written answer.
pub(in crate::graphql::execute) struct Projected {
    /// The value of `data`, after what `out` began with.
    pub(in crate::graphql::execute) out: Vec<u8>,
    pub(in crate::graphql::execute) errors: AnswerErrors,
    /// How many members were written, each as often as it was.
    pub(in crate::graphql::execute) rows: usize,
    /// Whether it was not written to its end, because the answer would be longer than allowed.
    pub(in crate::graphql::execute) is_too_long: bool,
}

/// One part of so many is room for items that are longer than the first of their list.
const SLACK: usize = 16;

/// An error counts as so many bytes of an answer: none is asked for, so an answer has fewer of them than it may have rows.
const ERROR: usize = 4 << 10;

/// The options of an answer besides plan and rosters.
#[derive(Clone, Copy)]
pub(in crate::graphql::execute) struct ProjectionOptions {
    /// Whether contact data may be read.
    pub(in crate::graphql::execute) contact: bool,
    pub(in crate::graphql::execute) pages: PageLimits,
    /// The longest answer, in bytes.
    pub(in crate::graphql::execute) limit: usize,
}

/// Appends the value of `data` to `out`.
///
/// # Errors
/// [`Cancelled`] when the answer is no longer wanted.
pub(in crate::graphql::execute) fn project(
    plan: &Plan,
    resolved: &Resolved,
    terms: ProjectionOptions,
    cancellation: &Cancellation,
    out: Vec<u8>,
) -> std::result::Result<Projected, Cancelled> {
    let mut writer = AnswerWriter::new(out, resolved, terms, cancellation);
    for (item, data) in plan.roots.fields.iter().zip(&resolved.roots) {
        item.head.write(&mut writer.out);
        writer.path.push(Segment::Key(&item.key));
        writer.root(item, data);
        writer.path.pop();
    }
    if writer.cancelled {
        return Err(Cancelled);
    }
    plan.roots.tail.write(&mut writer.out);
    Ok(Projected { out: writer.out, errors: writer.errors, rows: writer.members, is_too_long: writer.too_long })
}

pub(super) struct AnswerWriter<'p> {
    pub(super) out: Vec<u8>,
    pub(super) errors: AnswerErrors,
    /// Where in the answer we are.
    pub(super) path: SmallVec<[Segment<'p>; 8]>,
    pub(super) slots: &'p ArgumentSlots,
    pub(super) terms: ProjectionOptions,
    /// The members that lists with the same conditions are sliced from.
    pub(super) found: FoundMembers,
    /// The pages that were sliced. Equal lists are one in the plan, and many members may show those of a team or a role.
    pages: FirstMap<(usize, ListRows), Result<Arc<Page>>>,
    /// The groups of such lists.
    pub(super) groups: FirstMap<(usize, ListRows), Result<Arc<[Group]>>>,
    /// The members and roles that identifiers below the root have found: a field may be shown for each member.
    looked_up: HashMap<(usize, *const View, EntityKind), Option<u32>>,
    /// The last timestamp of a snapshot, as it is written.
    fetched_at: Option<(Timestamp, Vec<u8>)>,
    /// Room for the bytes of a cursor.
    cursor_bytes: Vec<u8>,
    /// Where contact data was refused already: response paths without list indices.
    pub(super) refused: HashSet<Vec<&'p str>>,
    /// How many members were written.
    pub(super) members: usize,
    pub(super) too_long: bool,
    pub(super) cancellation: &'p Cancellation,
    rows: RowCounter<'p>,
    cancelled: bool,
}

/// The kind of entity that an identifier names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum EntityKind {
    Member,
    Role,
}

impl<'p> AnswerWriter<'p> {
    pub(super) fn new(
        out: Vec<u8>,
        resolved: &'p Resolved,
        terms: ProjectionOptions,
        cancellation: &'p Cancellation,
    ) -> Self {
        Self {
            out,
            errors: AnswerErrors::default(),
            path: SmallVec::new(),
            slots: &resolved.slots,
            terms,
            found: FoundMembers::default(),
            pages: FirstMap::default(),
            groups: FirstMap::default(),
            looked_up: HashMap::new(),
            fetched_at: None,
            cursor_bytes: Vec::new(),
            refused: HashSet::new(),
            members: 0,
            too_long: false,
            cancellation,
            rows: cancellation.rows(),
            cancelled: false,
        }
    }

    pub(super) fn root(&mut self, item: &'p PlannedField<RootField>, data: &'p RootData) {
        match (&item.field, data) {
            (_, RootData::Failed(error)) => self.fail(item.pos, error),
            (RootField::TeamMembers { list: slot, fields, .. }, RootData::All(view)) => {
                let list = match &self.slots.lists[*slot] {
                    Ok(list) => list,
                    Err(error) => return self.fail(item.pos, error),
                };
                match self.page(*slot, list, view, None) {
                    Ok(page) => self.connection(fields, view, list, &page, None),
                    Err(error) => self.fail(item.pos, &error),
                }
            }
            (RootField::Team { fields, .. }, RootData::All(view)) => self.team(fields, view),
            (RootField::Roles { length, fields, .. }, RootData::All(view)) => {
                self.roles(fields, view, *length, item.pos);
            }
            (RootField::TeamMember { fields, .. }, RootData::One(view, id)) => match view.roster.find(id) {
                Some(index) => self.member(fields, view, index),
                None => json::null(&mut self.out),
            },
            (RootField::Role { fields, .. }, RootData::One(view, id)) => match view.roster.find_role(id) {
                Some(index) => self.role(fields, view, index),
                None => json::null(&mut self.out),
            },
            (RootField::Node { member, role, .. }, RootData::One(view, id)) => {
                match (view.roster.find(id), view.roster.find_role(id)) {
                    (Some(index), _) => self.member(member, view, index),
                    (None, Some(index)) => self.role(role, view, index),
                    (None, None) => json::null(&mut self.out),
                }
            }
            (RootField::Entities { member, role, team, .. }, RootData::Entities(list)) => {
                self.entities((member, role, team), list, item.pos);
            }
            (RootField::TeamChanges { fields, .. }, RootData::Changes(view, changes)) => {
                self.changes(fields, view, changes);
            }
            // The resolver makes data of its field's kind.
            _ => json::null(&mut self.out),
        }
    }

    pub(super) fn connection(
        &mut self,
        fields: &'p PlannedObject<ConnectionField>,
        view: &Arc<View>,
        list: &PreparedList,
        page: &Page,
        role: Option<u32>,
    ) {
        self.object(fields, |writer, item| match &item.field {
            ConnectionField::Nodes(fields) => writer.at(&item.key, |writer| {
                writer.array(0..page.members.len(), |writer, n| writer.paged_member(fields, view, page, n));
            }),
            ConnectionField::Edges(fields) => writer.at(&item.key, |writer| {
                writer.array(0..page.members.len(), |writer, n| writer.edge(fields, view, list, page, n));
            }),
            ConnectionField::PageInfo(fields) => writer.object(fields, |writer, item| match item.field {
                PageInfoField::HasNextPage => json::boolean(&mut writer.out, page.has_next()),
                PageInfoField::HasPreviousPage => json::boolean(&mut writer.out, page.has_previous()),
                PageInfoField::StartCursor => writer.cursor(view, list, page, Some(0)),
                PageInfoField::EndCursor => writer.cursor(view, list, page, page.members.len().checked_sub(1)),
            }),
            ConnectionField::TotalCount => {
                json::integer(&mut writer.out, i32::try_from(page.total).unwrap_or(i32::MAX).into());
            }
            ConnectionField::Groups { groups, fields } => {
                writer.at(&item.key, |writer| writer.groups(fields, view, list, role, (*groups, item.pos)));
            }
            ConnectionField::FetchedAt => writer.fetched_at(view),
            ConnectionField::Stale => json::boolean(&mut writer.out, view.stale),
            ConnectionField::SkippedRows { length, fields } => writer.skipped_rows(fields, view, *length, item.pos),
        });
    }

    pub(super) fn skipped_rows(
        &mut self,
        fields: &'p PlannedObject<SkippedRowField>,
        view: &View,
        length: usize,
        pos: Pos,
    ) {
        let rows = match &self.slots.lengths[length] {
            Ok(length) => view.roster.skipped_rows().iter().take(*length),
            Err(error) => return self.fail(pos, error),
        };
        self.array(rows, |writer, row| {
            writer.object(fields, |writer, item| match item.field {
                SkippedRowField::Index => {
                    json::integer(&mut writer.out, i32::try_from(row.index).unwrap_or(i32::MAX).into());
                }
                SkippedRowField::Reason => json::string(&mut writer.out, row.reason),
            });
        });
    }

    pub(super) fn edge(
        &mut self,
        fields: &'p PlannedObject<EdgeField>,
        view: &Arc<View>,
        list: &PreparedList,
        page: &Page,
        n: usize,
    ) {
        self.object(fields, |writer, item| match &item.field {
            EdgeField::Cursor => writer.cursor(view, list, page, Some(n)),
            EdgeField::Node(fields) => writer.at(&item.key, |writer| writer.paged_member(fields, view, page, n)),
        });
    }

    pub(super) fn cursor(&mut self, view: &View, list: &PreparedList, page: &Page, n: Option<usize>) {
        // What base64 makes needs no escapes.
        let start = self.out.len();
        self.out.push(b'"');
        let written = n.is_some_and(|n| view.write_cursor(page, &list.order, n, &mut self.cursor_bytes, &mut self.out));
        if written {
            self.out.push(b'"');
        } else {
            self.out.truncate(start);
            json::null(&mut self.out);
        }
    }

    /// A page of a team's members, or of those in the role at this index of it. It is the same wherever the answer shows it.
    pub(super) fn page(
        &mut self,
        slot: usize,
        list: &PreparedList,
        view: &Arc<View>,
        role: Option<u32>,
    ) -> Result<Arc<Page>> {
        let key = (slot, (Arc::as_ptr(view), role));
        if let Some(known) = self.pages.get(&key) {
            return known.clone();
        }
        let page = self.slice(list, view, role).map(Arc::new);
        self.pages.insert(key, page.clone());
        page
    }

    fn slice(&mut self, list: &PreparedList, view: &View, role: Option<u32>) -> Result<Page> {
        let found = match (role, list.conditions()) {
            (None, None) => None,
            _ => Some(self.found.get(list, view, role, self.cancellation)?),
        };
        list.page_of(found, view, self.terms.pages, self.cancellation)
    }

    /// The index of what an identifier names, looked for once.
    pub(super) fn index_of(&mut self, slot: usize, id: &str, view: &View, kind: EntityKind) -> Option<u32> {
        let key = (slot, std::ptr::from_ref(view), kind);
        *self.looked_up.entry(key).or_insert_with(|| match kind {
            EntityKind::Member => view.roster.find(id),
            EntityKind::Role => view.roster.find_role(id),
        })
    }

    /// When a snapshot was read: written out once, for a member or a role may show it of its team.
    pub(super) fn fetched_at(&mut self, view: &View) {
        let at = view.roster.fetched_at();
        match &self.fetched_at {
            Some((known, text)) if *known == at => self.out.extend_from_slice(text),
            _ => {
                let start = self.out.len();
                json::timestamp(&mut self.out, at);
                self.fetched_at = Some((at, self.out[start..].to_vec()));
            }
        }
    }

    pub(super) fn account(&mut self, fields: &'p PlannedObject<AccountField>, view: &View) {
        let account = view.account();
        self.object(fields, |writer, item| match item.field {
            AccountField::Email => json::string(&mut writer.out, account.email.as_str()),
            AccountField::Type => json::raw(&mut writer.out, account.user_type.json()),
        });
    }

    pub(super) fn object<F>(
        &mut self,
        fields: &'p PlannedObject<F>,
        mut value: impl FnMut(&mut Self, &'p PlannedField<F>),
    ) {
        for item in &fields.fields {
            item.head.write(&mut self.out);
            value(self, item);
        }
        fields.tail.write(&mut self.out);
    }

    pub(super) fn array<T>(&mut self, items: impl IntoIterator<Item = T>, mut value: impl FnMut(&mut Self, T)) {
        self.out.push(b'[');
        let (items, start) = (items.into_iter(), self.out.len());
        let (count, _) = items.size_hint();
        for (n, item) in items.enumerate() {
            if n > 0 {
                self.out.push(b',');
            }
            self.too_long |= self.out.len() + self.errors.len() * ERROR > self.terms.limit;
            self.cancelled |= self.rows.next_row().is_err();
            if self.too_long || self.cancelled {
                break;
            }
            self.path.push(Segment::Index(n));
            value(self, item);
            self.path.pop();
            if n == 0 && count > 1 {
                self.make_room(start, count - 1);
            }
        }
        self.out.push(b']');
    }

    /// Makes room for so many more items like the one that begins there: an answer that grows is copied, and twice as large while
    /// it is.
    fn make_room(&mut self, start: usize, items: usize) {
        let more = (self.out.len() - start).saturating_mul(items);
        let left = self.terms.limit.saturating_sub(self.out.len());
        self.out.reserve(more.saturating_add(more / SLACK).min(left));
    }

    /// Writes what stands under this key.
    pub(super) fn at(&mut self, key: &'p str, write: impl FnOnce(&mut Self)) {
        self.path.push(Segment::Key(key));
        write(self);
        self.path.pop();
    }

    /// Null, and why.
    pub(super) fn fail(&mut self, pos: Pos, error: &Error) {
        self.errors.push(error, pos, &self.path);
        json::null(&mut self.out);
    }
}
