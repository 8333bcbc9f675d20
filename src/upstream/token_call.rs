//! The call for a permanent token: reserved, admitted and written down like a list's, and never repeated.

use super::guarded::{COME_BACK, GuardedUpstream, Reading};
use super::interface::Load;
use crate::model::{ErrorKind, PermanentToken, UpstreamError};

impl GuardedUpstream {
    /// A permanent token, in one call that is never repeated: the vendor may have issued one although its answer was lost.
    pub(super) async fn token(&self, load: Load<'_>) -> Result<PermanentToken, UpstreamError> {
        let ledger = self.budget.ledger(&load.grant.caller().credential).ok_or(ErrorKind::RateLimited(COME_BACK))?;
        let reservation = self.reserve(&ledger, &load, 1).await?;
        let subject = self.subject(load.grant);
        let mut reading = Reading { load, subject, ledger, reservation, began: None };
        let issued = self
            .attempt_with(&mut reading, load.deadline, |endpoint, account, credential| {
                endpoint.issue_token(account, credential)
            })
            .await;
        issued.map_err(|failed| failed.error)
    }
}
