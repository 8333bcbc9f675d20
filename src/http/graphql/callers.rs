//! Callers: identifies the caller of a request, and whose permits, memory and turns the request takes.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::auth::AuthError;
use crate::http::AppState;
use crate::http::admission::auth_throttle::Attempt;
use crate::http::admission::caller_key::CallerKey;
use crate::http::response::error::HttpError;
use crate::model::Grants;

/// A caller who was authenticated.
pub(in crate::http) struct IdentifiedCaller {
    pub(in crate::http) grants: Arc<dyn Grants>,
    /// Whose rate and permits they are.
    pub(in crate::http) key: CallerKey,
    /// Whose memory and turns: an unaccepted credential may be made up, so it shares its address's.
    pub(in crate::http) payer: CallerKey,
    /// Where the upstream has not accepted the credential yet.
    unproven: Option<Attempt>,
}

/// Authenticates by a request's head, and counts credentials that are not accepted.
pub(in crate::http) async fn identify(
    state: &AppState,
    head: &Parts,
    peer: Option<IpAddr>,
) -> Result<IdentifiedCaller, HttpError> {
    let failed_auth = &state.admission.failed_auth;
    let attempt = failed_auth.attempt(head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes), peer);
    let grants = match state.auth.authenticate(head).await {
        Ok(grants) => grants,
        Err(denied) => {
            state.metrics.listener().auth_failed(denied.reason());
            failed_auth.pace(attempt).await?;
            if matches!(denied, AuthError::Invalid(_)) {
                failed_auth.count(attempt)?;
            }
            return Err(denied.into());
        }
    };
    let is_unproven = !state.engine.has_accepted(&*grants);
    if is_unproven && let Err(refusal) = failed_auth.count(attempt) {
        failed_auth.pace(attempt).await?;
        return Err(refusal.into());
    }
    if !is_unproven {
        state.plans.used(grants.caller());
    }
    let key = CallerKey::of(&*grants, peer);
    let payer = if is_unproven { CallerKey::of_address(peer) } else { key.clone() };
    Ok(IdentifiedCaller { grants, key, payer, unproven: is_unproven.then_some(attempt) })
}

impl IdentifiedCaller {
    /// Stops counting the credential where the upstream has accepted it since.
    pub(in crate::http) fn recheck(&self, state: &AppState) {
        if let Some(attempt) = self.unproven.filter(|_| state.engine.has_accepted(&*self.grants)) {
            state.admission.failed_auth.forget(attempt);
            state.plans.used(self.grants.caller());
        }
    }
}
