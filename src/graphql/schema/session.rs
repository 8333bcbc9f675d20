//! One request's session: what every resolver needs, put into the request by the engine.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, Error, QueryPathSegment, Result};

use super::super::error::{contact_forbidden, fault, refused, upstream};
use super::account::AccountInput;
use crate::graphql::Code;
use crate::loader::Loader;
use crate::model::{Account, CursorKey, Grant, Grants, PageLimits, Roster, Scopes};

/// What a request may do, and what it does it with.
pub(in crate::graphql) struct Session {
    pub(in crate::graphql) grants: Arc<dyn Grants>,
    pub(in crate::graphql) loader: Arc<Loader>,
    pub(in crate::graphql) page_limits: PageLimits,
    /// Where contact data was refused already: response paths without list indices.
    contact_refused: Mutex<HashSet<String>>,
}

/// An account's roster as this request sees it: what every object below a root field is a view of.
pub(super) struct View {
    pub(super) roster: Arc<Roster>,
    pub(super) stale: bool,
    grant: Grant,
}

impl Session {
    pub(in crate::graphql) fn new(grants: Arc<dyn Grants>, loader: Arc<Loader>, page_limits: PageLimits) -> Self {
        Self { grants, loader, page_limits, contact_refused: Mutex::default() }
    }

    pub(super) fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self> {
        ctx.data::<Self>().map_err(|_| fault(Code::Internal, "internal server error"))
    }

    /// Loads the roster of the account that the argument names, or the request itself.
    pub(super) async fn view(&self, account: Option<AccountInput>) -> Result<Arc<View>> {
        let account = account.map(Account::from);
        let grant = self.grants.grant(account).map_err(|refusal| refused(&refusal))?;
        let found = self.loader.load(&grant).await.map_err(|error| upstream(&error))?;
        Ok(Arc::new(View { roster: found.roster, stale: found.stale, grant }))
    }

    /// What the caller may read.
    pub(super) fn scopes(&self) -> Scopes {
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
        let mut refused = self.contact_refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(path).then(contact_forbidden)
    }
}

impl View {
    pub(super) fn account(&self) -> &Account {
        self.grant.account()
    }

    pub(super) fn cursor_key(&self) -> &CursorKey {
        self.grant.caller().credential.cursor_key()
    }
}
