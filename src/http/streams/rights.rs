//! Rights: whether the caller of a stream may still do what it could when the stream began.

use std::sync::Arc;

use axum::http::request::Parts;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::auth::AuthError;
use crate::graphql::Code;
use crate::http::AppState;
use crate::http::response::error::HttpError;
use crate::model::{Account, Clock, Grants};

/// The credentials of a stream's caller, and the rights that they gave.
pub(super) struct Rights {
    state: Arc<AppState>,
    /// Without what authentication does not read.
    head: Parts,
    grants: Arc<dyn Grants>,
    /// When they are checked next, whatever the client does meanwhile.
    next: Mutex<Instant>,
}

impl Rights {
    pub(super) fn new(state: Arc<AppState>, head: Parts, grants: Arc<dyn Grants>) -> Self {
        let next = Mutex::new(Clock::instant() + state.live.settings.recheck_interval);
        Self { state, head, grants, next }
    }

    /// Completes when they are lost, with the reason: the credential has expired, was taken away, or is good for other things
    /// now, or one of `accounts` may no longer be read.
    pub(super) async fn lost(&self, accounts: &[Account]) -> HttpError {
        loop {
            let next = *self.next.lock();
            sleep_until(next).await;
            match self.state.latest().auth.authenticate(&self.head).await {
                Ok(grants) if self.is_same(&*grants, accounts) => {}
                Ok(_) => return HttpError::new(Code::Forbidden, "the caller's rights have changed"),
                // The keys are not there now; what was checked with them before stands.
                Err(AuthError::Unavailable { .. }) => {}
                Err(denied) => return denied.into(),
            }
            *self.next.lock() = Clock::instant() + self.state.latest().live.settings.recheck_interval;
        }
    }

    fn is_same(&self, now: &dyn Grants, accounts: &[Account]) -> bool {
        let (before, after) = (self.grants.caller(), now.caller());
        let may_read = |account: &Account| {
            let named = [None, Some(account.clone())];
            named.into_iter().any(|argument| now.grant(argument).is_ok_and(|grant| grant.account() == account))
        };
        before.id == after.id
            && before.scopes == after.scopes
            && before.credential.id() == after.credential.id()
            && accounts.iter().all(may_read)
    }
}
