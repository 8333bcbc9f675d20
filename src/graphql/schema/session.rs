//! One request's session: what every resolver needs, put into the request by the engine.

use std::sync::Arc;

use async_graphql::{Context, Error, Result};

use super::super::error::{fault, refused, upstream};
use super::account::AccountInput;
use crate::graphql::Code;
use crate::loader::Loader;
use crate::model::{Account, CursorKey, Grant, Grants, PageLimits, Roster, Scopes};

/// What a request may do, and what it does it with.
pub(in crate::graphql) struct Session {
    pub(in crate::graphql) grants: Arc<dyn Grants>,
    pub(in crate::graphql) loader: Arc<Loader>,
    pub(in crate::graphql) page_limits: PageLimits,
}

/// An account's roster as this request sees it: what every object below a root field is a view of.
pub(super) struct View {
    pub(super) roster: Arc<Roster>,
    pub(super) stale: bool,
    grant: Grant,
}

impl Session {
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
        self.grants.scopes()
    }

    /// The refusal for a caller who may not read contact data.
    pub(super) fn contact_forbidden() -> Error {
        fault(Code::Forbidden, "contact data needs the scope team:contact:read")
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
