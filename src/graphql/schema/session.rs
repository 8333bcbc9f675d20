//! One request's session: what every resolver needs, put into the request by the engine.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::{Context, Error, QueryPathSegment, Result};
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::response_meter::ResponseMeter;
use crate::graphql::error::Code;
use crate::graphql::error::{contact_forbidden, fault, refused, upstream};
use crate::loader::{Loaded, Loader};
use crate::model::{Account, AccountHash, Grant, Grants, Order, Page, PageLimits, Roster, RosterKey, Scopes};

/// The state of a request: its grants, its loader and its limits.
pub(in crate::graphql) struct Session {
    pub(in crate::graphql) grants: Arc<dyn Grants>,
    pub(in crate::graphql) loader: Loader,
    pub(in crate::graphql) page_limits: PageLimits,
    /// Counts what is resolved.
    pub(in crate::graphql) meter: ResponseMeter,
    /// Where contact data was refused already: response paths without list indices.
    contact_refused: Mutex<HashSet<String>>,
}

/// An account's roster as this request sees it: what every object below a root field is a view of.
pub(in crate::graphql) struct View {
    pub(in crate::graphql) roster: Arc<Roster>,
    pub(in crate::graphql) stale: bool,
    grant: Grant,
    account_hash: AccountHash,
    /// The session that counts the members that are resolved of it.
    session: Option<Arc<Session>>,
}

/// The teams of a request's accounts; most requests have one.
pub(in crate::graphql) type Views = SmallVec<[Result<Arc<View>>; 1]>;

impl Session {
    pub(in crate::graphql) fn new(
        grants: Arc<dyn Grants>,
        loader: Loader,
        page_limits: PageLimits,
        meter: ResponseMeter,
    ) -> Arc<Self> {
        Arc::new(Self { grants, loader, page_limits, meter, contact_refused: Mutex::default() })
    }

    pub(super) fn of<'a>(ctx: &Context<'a>) -> Result<&'a Arc<Self>> {
        ctx.data::<Arc<Self>>().map_err(|_| fault(Code::Internal, "internal server error"))
    }

    /// Loads the roster of the account that the argument names, or the request itself.
    pub(super) async fn view(self: &Arc<Self>, account: Option<Account>) -> Result<Arc<View>> {
        self.load(self.grant(account)?).await
    }

    /// The right to read the team of the account that the argument names, or the request itself.
    pub(in crate::graphql) fn grant(&self, account: Option<Account>) -> Result<Grant> {
        self.grants.grant(account).map_err(|refusal| refused(&refusal))
    }

    /// Loads the roster that the grant opens.
    pub(in crate::graphql) async fn load(self: &Arc<Self>, grant: Grant) -> Result<Arc<View>> {
        let loaded = self.loader.load(&grant).await;
        self.seen(loaded, grant)
    }

    /// Loads the rosters that the grants open, as one batch.
    pub(in crate::graphql) async fn load_all(self: &Arc<Self>, grants: SmallVec<[Result<Grant>; 1]>) -> Views {
        let mut loaded = {
            let granted: SmallVec<[&Grant; 1]> = grants.iter().flatten().collect();
            self.loader.load_all(&granted).await.into_iter()
        };
        let mut view = |grant| match loaded.next() {
            Some(loaded) => self.seen(loaded, grant),
            None => Err(fault(Code::Internal, "internal server error")),
        };
        grants.into_iter().map(|grant| grant.and_then(&mut view)).collect()
    }

    fn seen(self: &Arc<Self>, loaded: Loaded, grant: Grant) -> Result<Arc<View>> {
        let found = loaded.map_err(|error| upstream(&error))?;
        let view = View::new(found.roster, found.stale, grant);
        Ok(Arc::new(View { session: Some(self.clone()), ..view }))
    }

    /// The scopes of the caller.
    pub(in crate::graphql) fn scopes(&self) -> Scopes {
        self.grants.caller().scopes
    }

    /// The refusal of contact data at this field; `None` after its first.
    pub(super) fn refuse_contact(&self, ctx: &Context<'_>) -> Option<Error> {
        let mut path = String::new();
        let mut at = ctx.path_node.as_ref();
        while let Some(node) = at {
            if let QueryPathSegment::Name(name) = node.segment {
                path.push_str(name);
                path.push('.');
            }
            at = node.parent;
        }
        let mut refused = self.contact_refused.lock();
        refused.insert(path).then(contact_forbidden)
    }
}

impl View {
    /// The team that the grant opens.
    pub(in crate::graphql) fn new(roster: Arc<Roster>, stale: bool, grant: Grant) -> Self {
        let account_hash = AccountHash::of(grant.account());
        Self { roster, stale, grant, account_hash, session: None }
    }

    /// A member of it is resolved.
    pub(super) fn count_member(&self) {
        if let Some(session) = &self.session {
            session.meter.add_row();
        }
    }

    /// Under what the roster is kept.
    pub(in crate::graphql) fn key(&self) -> &RosterKey {
        self.grant.key()
    }

    pub(in crate::graphql) fn account(&self) -> &Account {
        self.grant.account()
    }

    /// The number of the snapshot among its account's.
    pub(in crate::graphql) fn generation(&self) -> i32 {
        i32::try_from(self.roster.generation()).unwrap_or(i32::MAX)
    }

    /// The cursor of the page's n-th member.
    pub(in crate::graphql) fn cursor(&self, page: &Page, order: &Order, n: usize) -> Option<String> {
        Some(page.cursor(&self.roster, order, n)?.encode(self.account(), order))
    }

    /// Writes it to the end of `out`, or returns false where there is no such member; `bytes` is room for the next one, too.
    pub(in crate::graphql) fn write_cursor(
        &self,
        page: &Page,
        order: &Order,
        n: usize,
        bytes: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> bool {
        page.write_cursor((&self.roster, self.account_hash), order, n, bytes, out)
    }
}
