//! A page of members: Relay's connection, with what a user must know about the list it was cut from.

use std::sync::Arc;

use async_graphql::{Context, Object, Result, SimpleObject};

use super::enums::TeamMemberGroupField;
use super::groups::{PreparedGroups, TeamMemberGroup, TeamMemberGroupOrder, output};
use super::list_arguments::{ListArguments, PreparedList};
use super::metered::Metered;
use super::scalars::DateTime;
use super::session::{Session, View};
use super::skipped_row::{SkippedRow, skipped_rows};
use super::team_member::TeamMember;
use crate::graphql::error::Code;
use crate::graphql::error::fault;
use crate::model::{Cancellation, Cursor, Filter, Group, Page, PageLimits, PageRequest, Role};

impl ListArguments {
    /// The connection of the view's members, or of a role's; null where an argument is refused.
    pub(super) fn members(
        self,
        ctx: &Context<'_>,
        view: &Arc<View>,
        role: Option<u32>,
    ) -> Option<Result<TeamMemberConnection>> {
        Some(Session::of(ctx).and_then(|session| self.prepare(session)?.list(session, view, role)))
    }
}

impl PreparedList {
    /// The connection of the view's members, or of a role's.
    pub(super) fn list(self, session: &Session, view: &Arc<View>, role: Option<u32>) -> Result<TeamMemberConnection> {
        let members = role.map(|index| view.roster.role(index));
        let page = self.page(view, members, session.page_limits, session.meter.cancellation());
        let page = page.inspect_err(|_| session.meter.add_error())?;
        Ok(TeamMemberConnection { view: view.clone(), list: self, role, page })
    }

    /// The page of the view's members, or of a role's.
    pub(in crate::graphql) fn page(
        &self,
        view: &View,
        role: Option<Role<'_>>,
        limits: PageLimits,
        cancellation: &Cancellation,
    ) -> Result<Page> {
        let found = match (&role, &self.filter) {
            (None, None) => None,
            _ => Some(self.matching(view, role, cancellation)?),
        };
        self.page_of(found.as_deref(), view, limits, cancellation)
    }

    /// The members of the view, or of a role, that meet the conditions: what the page is cut from.
    pub(in crate::graphql) fn matching(
        &self,
        view: &View,
        role: Option<Role<'_>>,
        cancellation: &Cancellation,
    ) -> Result<Vec<u32>> {
        let found = view.roster.matching(role, self.filter.as_deref(), &|| cancellation.check().is_err());
        found.map_err(|error| fault(Code::RequestTimeout, error))
    }

    /// The page of what [`matching`](Self::matching) found, or of all members.
    pub(in crate::graphql) fn page_of(
        &self,
        list: Option<&[u32]>,
        view: &View,
        limits: PageLimits,
        cancellation: &Cancellation,
    ) -> Result<Page> {
        let decode = |name, cursor: &Option<String>| {
            let cursor = cursor.as_ref().map(|text| Cursor::decode(view.account(), &self.order, text));
            cursor.transpose().map_err(|error| fault(Code::BadUserInput, format!("`{name}` is {error}")))
        };
        let (after, before) = (decode("after", &self.after)?, decode("before", &self.before)?);
        let request = PageRequest { after, before, ..self.lengths };
        let page = view.roster.page_of(list, &self.order, &request, limits, &|| cancellation.check().is_err());
        page.map_err(|error| fault(Code::RequestTimeout, error))
    }

    /// The groups of what [`matching`](Self::matching) found.
    pub(in crate::graphql) fn groups_of(
        list: &[u32],
        view: &View,
        groups: &PreparedGroups,
        cancellation: &Cancellation,
    ) -> Result<Vec<Group>> {
        let cancelled = || cancellation.check().is_err();
        let found = view.roster.groups(list, &groups.by, groups.order, groups.first, &cancelled);
        found.map_err(|error| fault(Code::RequestTimeout, error))
    }

    /// How many tests of the view's members are left to find and sort them; `None` where that takes more than tests.
    pub(in crate::graphql) fn tests_left(&self, view: &View) -> Option<usize> {
        view.roster.tests_left(self.filter.as_deref(), &self.order)
    }

    /// The conditions: one address for all lists of a request that have the same.
    pub(in crate::graphql) fn conditions(&self) -> Option<*const Filter> {
        self.filter.as_ref().map(Arc::as_ptr)
    }
}

pub(super) struct TeamMemberConnection {
    view: Arc<View>,
    list: PreparedList,
    /// The index of the role whose members they are.
    role: Option<u32>,
    page: Page,
}

impl TeamMemberConnection {
    fn cursor(&self, n: usize) -> Option<String> {
        self.view.cursor(&self.page, &self.list.order, n)
    }
}

/// A page of an account's team, cut from one snapshot of it.
#[Object]
impl TeamMemberConnection {
    /// The members of this page.
    async fn nodes(&self) -> Vec<Metered<TeamMember>> {
        self.page.members.iter().map(|index| Metered(TeamMember::new(&self.view, *index))).collect()
    }

    /// The members of this page, each with its cursor.
    async fn edges(&self) -> Vec<Metered<TeamMemberEdge>> {
        let edge = |(n, index): (usize, &u32)| {
            let node = TeamMember::new(&self.view, *index);
            Some(Metered(TeamMemberEdge { cursor: self.cursor(n)?, node }))
        };
        self.page.members.iter().enumerate().filter_map(edge).collect()
    }

    /// Where this page stands in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.page.has_next(),
            has_previous_page: self.page.has_previous(),
            start_cursor: self.cursor(0),
            end_cursor: self.page.members.len().checked_sub(1).and_then(|last| self.cursor(last)),
        }
    }

    /// How many members the whole list has, on all pages.
    async fn total_count(&self) -> i32 {
        i32::try_from(self.page.total).unwrap_or(i32::MAX)
    }

    /// All members of the list, on all pages, counted by what some of their fields hold: one group for each key that occurs.
    /// Nothing in `by` makes one group of all. Costs no upstream call. Null where an argument is refused.
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The fields to group by, each once.")] by: Vec<TeamMemberGroupField>,
        #[graphql(desc = "The order of the groups. Default: by key.")] order_by: Option<TeamMemberGroupOrder>,
        #[graphql(desc = "Returns the first n groups. Default: all.")] first: Option<i32>,
    ) -> Option<Result<Vec<Metered<TeamMemberGroup>>>> {
        let session = match Session::of(ctx) {
            Ok(session) => session,
            Err(error) => return Some(Err(error)),
        };
        let groups = || {
            let groups = PreparedGroups::new(by, order_by, first)?;
            let cancellation = session.meter.cancellation();
            let role = self.role.map(|index| self.view.roster.role(index));
            let list = self.list.matching(&self.view, role, cancellation)?;
            Ok(output(&self.view, PreparedList::groups_of(&list, &self.view, &groups, cancellation)?))
        };
        Some(groups().inspect_err(|_| session.meter.add_error()))
    }

    /// When the upstream gave this list. All fields of one response read the same list of an account.
    async fn fetched_at(&self) -> DateTime {
        DateTime(self.view.roster.fetched_at())
    }

    /// True when the list is older than the configured fresh window, because the upstream gave no newer one.
    async fn stale(&self) -> bool {
        self.view.stale
    }

    /// Rows of the upstream's answer that could not be read at all, and so are not in this list.
    async fn skipped_rows(
        &self,
        #[graphql(desc = "Returns the first n rows. Default: all.")] first: Option<i32>,
    ) -> Result<Vec<Metered<SkippedRow>>> {
        skipped_rows(&self.view, first)
    }
}

/// A member on a page, with its cursor.
#[derive(SimpleObject)]
pub(super) struct TeamMemberEdge {
    /// The member's position in the list: the value of `after` or `before` for the next page. Opaque; valid for this account and
    /// order, also after a restart of the service. A list goes on from there even if the member has moved, changed or left.
    cursor: String,
    /// The member.
    node: TeamMember,
}

/// Where a page stands in its list.
#[derive(SimpleObject)]
#[graphql(shareable)]
pub(super) struct PageInfo {
    /// Whether the list goes on after this page.
    has_next_page: bool,
    /// Whether the list has something before this page.
    has_previous_page: bool,
    /// The cursor of the page's first member.
    start_cursor: Option<String>,
    /// The cursor of the page's last member.
    end_cursor: Option<String>,
}
