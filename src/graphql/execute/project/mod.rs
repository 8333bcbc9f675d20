//! Projection: the answer's data, written as JSON straight from the rosters, by a plan.
//!
//! No future, no value tree, no map: a field's text goes from the roster into the answer. Errors come in the order in which
//! what they null is written, the order that `answer` brings the engine's into.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::{Error, PathSegment, Pos, Result, ServerError};

use super::json;
use super::plan::{Account, Connection, Edge, Item, Object, PageInfo, Plan, Role, Root, SkippedRow};
use super::resolve::{EntityData, Resolved, RootData};
use crate::graphql::schema::{EntityKind, PreparedList, View};
use crate::model::{self, Page, PageLimits};

mod member;

/// What is written.
pub(super) struct Projected {
    /// The value of `data`, after what `out` began with.
    pub(super) out: Vec<u8>,
    pub(super) errors: Vec<ServerError>,
}

/// What an answer depends on besides plan and rosters.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// Whether contact data may be read.
    pub(super) contact: bool,
    pub(super) pages: PageLimits,
    /// The longest answer, in bytes.
    pub(super) limit: usize,
}

/// Appends the value of `data` to `out`.
pub(super) fn project(plan: &Plan, resolved: &Resolved, terms: Terms, out: Vec<u8>) -> Projected {
    let mut writer = Writer {
        out,
        errors: Vec::new(),
        path: Vec::new(),
        lists: &resolved.lists,
        terms,
        pages: HashMap::new(),
        refused: HashSet::new(),
        too_long: false,
    };
    for (item, data) in plan.roots.fields.iter().zip(&resolved.roots) {
        item.head.write(&mut writer.out);
        writer.path.push(Segment::Key(&item.key));
        writer.root(item, data);
        writer.path.pop();
    }
    plan.roots.tail.write(&mut writer.out);
    Projected { out: writer.out, errors: writer.errors }
}

struct Writer<'p> {
    out: Vec<u8>,
    errors: Vec<ServerError>,
    /// Where in the answer we are.
    path: Vec<Segment<'p>>,
    lists: &'p [Result<PreparedList>],
    terms: Terms,
    /// The pages of roles' members, which many members may show.
    pages: HashMap<(usize, *const View, u32), Result<Arc<Page>>>,
    /// Where contact data was refused already: response paths without list indices.
    refused: HashSet<Vec<&'p str>>,
    too_long: bool,
}

#[derive(Clone, Copy)]
enum Segment<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'p> Writer<'p> {
    fn root(&mut self, item: &'p Item<Root>, data: &'p RootData) {
        match (&item.field, data) {
            (_, RootData::Failed(error)) => self.fail(item.pos, error.clone()),
            (Root::TeamMembers { list, fields, .. }, RootData::All(view)) => {
                let list = match &self.lists[*list] {
                    Ok(list) => list,
                    Err(error) => return self.fail(item.pos, error.clone()),
                };
                match list.page(view, None, self.terms.pages) {
                    Ok(page) => self.connection(fields, view, list, &page),
                    Err(error) => self.fail(item.pos, error),
                }
            }
            (Root::Roles { fields, .. }, RootData::All(view)) => {
                self.array((0..).take(view.roster.roles_len()), |writer, place| writer.role(fields, view, place));
            }
            (Root::TeamMember { fields, .. }, RootData::One(view, id)) => match view.roster.find(id) {
                Some(place) => self.member(fields, view, place),
                None => json::null(&mut self.out),
            },
            (Root::Role { fields, .. }, RootData::One(view, id)) => match view.roster.find_role(id) {
                Some(place) => self.role(fields, view, place),
                None => json::null(&mut self.out),
            },
            (Root::Entities { member, role, .. }, RootData::Entities(list)) => {
                self.array(list, |writer, entity| match entity {
                    Ok(EntityData { view, kind, id }) => match kind {
                        EntityKind::TeamMember => match view.roster.find(id) {
                            Some(place) => writer.member(member, view, place),
                            None => json::null(&mut writer.out),
                        },
                        EntityKind::Role => match view.roster.find_role(id) {
                            Some(place) => writer.role(role, view, place),
                            None => json::null(&mut writer.out),
                        },
                    },
                    Err(error) => writer.fail(item.pos, error.clone()),
                });
            }
            // The resolver makes data of its field's kind.
            _ => json::null(&mut self.out),
        }
    }

    fn connection(&mut self, fields: &'p Object<Connection>, view: &Arc<View>, list: &PreparedList, page: &Page) {
        self.object(fields, |writer, item| match &item.field {
            Connection::Nodes(fields) => writer.at(&item.key, |writer| {
                writer.array(&page.members, |writer, place| writer.member(fields, view, *place));
            }),
            Connection::Edges(fields) => writer.at(&item.key, |writer| {
                writer.array(0..page.members.len(), |writer, n| writer.edge(fields, view, list, page, n));
            }),
            Connection::PageInfo(fields) => writer.object(fields, |writer, item| match item.field {
                PageInfo::HasNextPage => json::boolean(&mut writer.out, page.has_next()),
                PageInfo::HasPreviousPage => json::boolean(&mut writer.out, page.has_previous()),
                PageInfo::StartCursor => writer.cursor(view, list, page, Some(0)),
                PageInfo::EndCursor => writer.cursor(view, list, page, page.members.len().checked_sub(1)),
            }),
            Connection::TotalCount => {
                json::integer(&mut writer.out, i32::try_from(page.total).unwrap_or(i32::MAX).into());
            }
            Connection::FetchedAt => json::moment(&mut writer.out, view.roster.fetched_at()),
            Connection::Stale => json::boolean(&mut writer.out, view.stale),
            Connection::SkippedRows(fields) => writer.array(view.roster.skipped_rows(), |writer, row| {
                writer.object(fields, |writer, item| match item.field {
                    SkippedRow::Index => {
                        json::integer(&mut writer.out, i32::try_from(row.index).unwrap_or(i32::MAX).into());
                    }
                    SkippedRow::Reason => json::string(&mut writer.out, row.reason),
                });
            }),
        });
    }

    fn edge(&mut self, fields: &'p Object<Edge>, view: &Arc<View>, list: &PreparedList, page: &Page, n: usize) {
        self.object(fields, |writer, item| match &item.field {
            Edge::Cursor => writer.cursor(view, list, page, Some(n)),
            Edge::Node(fields) => writer.at(&item.key, |writer| writer.member(fields, view, page.members[n])),
        });
    }

    fn cursor(&mut self, view: &View, list: &PreparedList, page: &Page, n: Option<usize>) {
        match n.and_then(|n| view.cursor(page, &list.order, n)) {
            Some(cursor) => json::string(&mut self.out, &cursor),
            None => json::null(&mut self.out),
        }
    }

    fn role(&mut self, fields: &'p Object<Role>, view: &Arc<View>, place: u32) {
        let role = view.roster.role(place);
        self.object(fields, |writer, item| match &item.field {
            Role::Id => json::raw(&mut writer.out, role.id.json()),
            Role::Account(fields) => writer.account(fields, view),
            Role::MemberCount => match i32::try_from(role.members.len()) {
                Ok(count) => json::integer(&mut writer.out, count.into()),
                Err(_) => json::null(&mut writer.out),
            },
            Role::Members { list: slot, fields } => {
                let list = match &writer.lists[*slot] {
                    Ok(list) => list,
                    Err(error) => return writer.at(&item.key, |writer| writer.fail(item.pos, error.clone())),
                };
                match writer.role_page(*slot, list, view, place, role) {
                    Ok(page) => writer.at(&item.key, |writer| writer.connection(fields, view, list, &page)),
                    Err(error) => writer.at(&item.key, |writer| writer.fail(item.pos, error)),
                }
            }
        });
    }

    /// A page of a role's members. It is the same wherever the answer shows it.
    fn role_page(
        &mut self,
        slot: usize,
        list: &PreparedList,
        view: &Arc<View>,
        place: u32,
        role: model::Role<'_>,
    ) -> Result<Arc<Page>> {
        let pages = self.terms.pages;
        let page = self.pages.entry((slot, Arc::as_ptr(view), place));
        page.or_insert_with(|| list.page(view, Some(role), pages).map(Arc::new)).clone()
    }

    fn account(&mut self, fields: &'p Object<Account>, view: &View) {
        let account = view.account();
        self.object(fields, |writer, item| match item.field {
            Account::Email => json::string(&mut writer.out, account.email.as_str()),
            Account::Type => json::raw(&mut writer.out, account.user_type.json()),
        });
    }

    fn object<F>(&mut self, fields: &'p Object<F>, mut value: impl FnMut(&mut Self, &'p Item<F>)) {
        for item in &fields.fields {
            item.head.write(&mut self.out);
            value(self, item);
        }
        fields.tail.write(&mut self.out);
    }

    fn array<T>(&mut self, items: impl IntoIterator<Item = T>, mut value: impl FnMut(&mut Self, T)) {
        self.out.push(b'[');
        for (n, item) in items.into_iter().enumerate() {
            if n > 0 {
                self.out.push(b',');
            }
            self.too_long |= self.out.len() > self.terms.limit;
            if self.too_long {
                break;
            }
            self.path.push(Segment::Index(n));
            value(self, item);
            self.path.pop();
        }
        self.out.push(b']');
    }

    /// Writes what stands under this key.
    fn at(&mut self, key: &'p str, write: impl FnOnce(&mut Self)) {
        self.path.push(Segment::Key(key));
        write(self);
        self.path.pop();
    }

    /// Null, and why.
    fn fail(&mut self, pos: Pos, error: Error) {
        let path = self.path.iter().map(|segment| match segment {
            Segment::Key(key) => PathSegment::Field((*key).to_owned()),
            Segment::Index(index) => PathSegment::Index(*index),
        });
        self.errors.push(ServerError { path: path.collect(), ..error.into_server_error(pos) });
        json::null(&mut self.out);
    }
}
