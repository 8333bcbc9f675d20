//! The arguments of a list of members, written down once: every field that shows such a list takes all of them.

use std::sync::Arc;

use async_graphql::Result;

use super::filter::TeamMemberFilter;
use super::order::{TeamMemberOrder, order};
use super::session::Session;
use crate::graphql::error::{Code, fault};
use crate::model::{Filter, InvalidPage, Order, PageRequest};

/// Calls the macro of this name with all arguments: name, type, description, and a tag of the subgraph's where it has one.
macro_rules! list_arguments {
    ($with:ident) => {
        $with! {
            search: Option<String>
                = "Text to look for in name, e-mail address and telephone number, whatever the case and accents.",
                // What finds people by their addresses tells their addresses.
                tag "personal-data";
            filter: Option<Box<TeamMemberFilter>> = "Filter conditions.";
            order_by: Option<Vec<TeamMemberOrder>> = "Sort keys, most significant first. Default: by id.";
            first: Option<i32> = "Returns the first n members.";
            after: Option<String> = "Returns members after this cursor.";
            last: Option<i32> = "Returns the last n members.";
            before: Option<String> = "Returns members before this cursor.";
        }
    };
}

pub(super) use list_arguments;

macro_rules! list_arguments_struct {
    ($($name:ident: $type:ty = $about:literal $(, tag $tag:literal)?;)+) => {
        /// The arguments of a list.
        pub(super) struct ListArguments {
            $(#[doc = $about] pub(super) $name: $type,)+
        }
    };
}

list_arguments!(list_arguments_struct);

/// The arguments of a list, of which those that other lists have too are prepared and shared.
pub(in crate::graphql) struct ListParts {
    /// The search and the filter.
    pub(in crate::graphql) filter: Option<Arc<Filter>>,
    pub(in crate::graphql) order: Arc<Order>,
    pub(in crate::graphql) first: Option<i32>,
    pub(in crate::graphql) after: Option<String>,
    pub(in crate::graphql) last: Option<i32>,
    pub(in crate::graphql) before: Option<String>,
}

/// Arguments that make sense, as far as that can be seen before anything is loaded.
pub(in crate::graphql) struct PreparedList {
    pub(super) filter: Option<Arc<Filter>>,
    pub(in crate::graphql) order: Arc<Order>,
    pub(super) lengths: PageRequest,
    pub(super) after: Option<String>,
    pub(super) before: Option<String>,
}

impl ListArguments {
    pub(super) fn prepare(self, session: &Session) -> Result<PreparedList> {
        let scopes = session.scopes();
        let search = self.search.and_then(|text| Filter::search(&text, scopes.contact));
        let filter = self.filter.map(|filter| filter.prepare(scopes)).transpose()?;
        let filter = match (search, filter) {
            (Some(search), Some(filter)) => Some(Filter::And(vec![search, filter])),
            (search, filter) => search.or(filter),
        };
        let Self { first, after, last, before, .. } = self;
        let (filter, order) = (filter.map(Arc::new), Arc::new(order(self.order_by)));
        ListParts { filter, order, first, after, last, before }.prepare(session)
    }
}

impl ListParts {
    pub(in crate::graphql) fn prepare(self, session: &Session) -> Result<PreparedList> {
        let lengths = PageRequest { first: self.first, last: self.last, after: None, before: None };
        lengths.check(session.page_limits).map_err(|error| {
            session.meter.add_error();
            fault(Code::BadUserInput, error)
        })?;
        let Self { filter, order, after, before, .. } = self;
        Ok(PreparedList { filter, order, lengths, after, before })
    }
}

/// How many items of a list that has no pages are asked for: `first`, or all of them.
pub(in crate::graphql) fn list_length(first: Option<i32>) -> Result<usize> {
    let Some(first) = first else { return Ok(usize::MAX) };
    usize::try_from(first).map_err(|_| fault(Code::BadUserInput, InvalidPage::Negative("first")))
}
