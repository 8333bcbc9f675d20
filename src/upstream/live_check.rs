//! The live check: one call for the operator, outside of any roster's load, and one of the plan like any other.

use std::time::Duration;

use super::budget::{Budget, BudgetExhausted};
use super::transport::{Client, Inspection};
use crate::model::{Account, Clock, Credential, ErrorKind, UpstreamError};

/// Takes one call of the credential's plan, writes it down, makes it, and compares what comes back with the documentation.
/// The call takes at most `attempt_timeout`.
///
/// # Errors
/// When the plan has no room for the call, or the ledger file cannot be written. Then no call was made.
pub async fn check_live(
    client: &Client,
    budget: &Budget,
    clock: Clock,
    attempt_timeout: Duration,
    account: &Account,
    credential: &Credential,
) -> Result<Inspection, UpstreamError> {
    let ledger = budget.ledger(credential).ok_or(ErrorKind::RateLimited(attempt_timeout))?;
    let refused = |exhausted: BudgetExhausted| {
        ErrorKind::RateLimited(exhausted.available_at.saturating_duration_since(clock.now()))
    };
    let lease = budget.lease(&ledger).await.map_err(refused)?;
    let mut reservation = budget.reserve_check(&ledger).map_err(refused)?;
    let call = reservation.commit(clock.now() + attempt_timeout).map_err(refused)?;
    if let Some(lease) = lease {
        lease.make();
    }
    if budget.write().await.is_err() {
        call.cancel();
        return Err(ErrorKind::NotRecorded.into());
    }
    let inspection = client.inspect(account, credential).await;
    drop(call);
    budget.close().await;
    Ok(inspection)
}
