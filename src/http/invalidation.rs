//! `POST /invalidate` on the admin port: the operator takes rosters back.
//!
//! The steps: the method → the secret, throttled per address → the rate → the body → weigh and do (`graphql`, `roster`) → say
//! what it may cost. Invariant: nothing of a request, the account and the credential included, is logged.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use governor::Quota;
use serde::Deserialize;
use tokio::time::timeout;

use super::admission::busy::too_often;
use super::admission::caller_key::CallerKey;
use super::admission::client_ip;
use super::admission::rate_clock::{Rate, rate};
use super::app_state::AppState;
use super::response::error::HttpError;
use super::response::negotiate::MediaType;
use crate::auth::{AdminSecret, AuthError};
use crate::config;
use crate::config::Statuses;
use crate::graphql::Code;
use crate::model::{Account, EmailAddress, Invalidation, InvalidationMode, InvalidationScope, UserType};

/// The longest body, in bytes.
const BODY_LIMIT: usize = 16 << 10;

/// Takes rosters back for who shows the secret.
pub struct InvalidationEndpoint {
    public: Arc<AppState>,
    secret: AdminSecret,
    rate: Option<Rate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InvalidationRequest {
    account: Option<WantedAccount>,
    credential: Option<String>,
    #[serde(default)]
    all: bool,
    #[serde(default)]
    mode: RequestedMode,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedAccount {
    email: String,
    #[serde(rename = "type")]
    user_type: String,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RequestedMode {
    #[default]
    Soft,
    Hard,
}

impl InvalidationEndpoint {
    /// Over the rosters of this public listener.
    #[must_use]
    pub fn new(public: Arc<AppState>, secret: AdminSecret, settings: &config::AdminConfig) -> Self {
        let quota = NonZeroU32::new(settings.invalidations_limit).map(Quota::per_minute);
        Self { public, secret, rate: quota.map(rate) }
    }

    async fn answer(&self, parts: &Parts, body: Body) -> Result<Response<Body>, HttpError> {
        if parts.method != Method::POST {
            return Err(HttpError::new(Code::MethodNotAllowed, "send an invalidation with POST"));
        }
        let peer = client_ip::address(parts, &self.public.settings);
        let failed_auth = &self.public.admission.failed_auth;
        if let Err(denied) = self.secret.check(&parts.headers) {
            let attempt = failed_auth.attempt(parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes), peer);
            failed_auth.pace(attempt).await?;
            if matches!(denied, AuthError::Invalid(_)) {
                failed_auth.count(attempt)?;
            }
            return Err(denied.into());
        }
        self.check_rate()?;
        let json = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value.split(';').next().is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"))
        });
        if !json {
            return Err(HttpError::new(Code::InvalidContentType, "send the body as content-type: application/json"));
        }
        let payer = CallerKey::of_address(peer);
        let read = self.public.admission.read(&payer, (0, body), BODY_LIMIT);
        let body = timeout(self.public.settings.timeout, read).await.map_err(|_| {
            HttpError::new(Code::RequestTimeout, "the body did not come in time")
                .with_status(StatusCode::REQUEST_TIMEOUT)
        })??;
        let invalidation = self.read(&body.bytes)?;
        let report = self.public.engine.invalidate(&invalidation).await;
        let (mode, scope) = (invalidation.mode.name(), invalidation.scope.kind());
        self.public.metrics.invalidated(if report.done { mode } else { "refused" });
        tracing::info!(mode, scope, rosters = report.rosters, calls = report.calls, done = report.done, "invalidation");
        if !report.done {
            let left = report.calls_left.unwrap_or_default();
            let message = format!(
                "reading {} rosters again may cost {} calls, and a plan has {left} left: nothing was invalidated",
                report.rosters, report.calls
            );
            return Err(HttpError::new(Code::InvalidationTooExpensive, message).with_status(StatusCode::CONFLICT));
        }
        let mut said = serde_json::json!({
            "mode": mode, "rosters": report.rosters, "calls": report.calls, "callsLeft": report.calls_left,
        });
        if let Some(told) = report.replicas_told {
            if !told {
                tracing::warn!(mode, scope, "the other replicas could not be told of an invalidation");
            }
            said["replicasTold"] = told.into();
        }
        let mut response = Response::new(Body::from(format!("{said}\n")));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    fn check_rate(&self) -> Result<(), HttpError> {
        let Some(rate) = &self.rate else { return Ok(()) };
        rate.check().map_err(|until| too_often(&until, "rate limit exceeded"))
    }

    /// Reads what is to be invalidated. What is wrong with it is not quoted: there may be a token in it.
    fn read(&self, body: &[u8]) -> Result<Invalidation, HttpError> {
        let wanted: InvalidationRequest = serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            HttpError::unreadable(format!(
                "expected a JSON object with one of `account`, `credential` and `all`, and `mode`: `soft` or `hard` \
                 (line {line}, column {column})"
            ))
        })?;
        let wrong = |message: &str| HttpError::new(Code::BadUserInput, message).with_status(StatusCode::BAD_REQUEST);
        let mode = match wanted.mode {
            RequestedMode::Soft => InvalidationMode::Soft,
            RequestedMode::Hard => InvalidationMode::Hard,
        };
        let scope = match (wanted.account, wanted.credential, wanted.all) {
            (Some(account), None, false) => {
                let email = EmailAddress::parse(&account.email).ok();
                let user_type = UserType::from_name(&account.user_type);
                let (email, user_type) =
                    email.zip(user_type).ok_or_else(|| wrong("`account` is not an e-mail address and a user type"))?;
                InvalidationScope::Account(Account { email, user_type })
            }
            (None, Some(credential), false) => {
                let known = self.public.auth.credential(&credential);
                let id = known.ok_or_else(|| {
                    wrong("`credential` is not one of this service: it is `server` where the server holds the token")
                })?;
                InvalidationScope::Credential(id)
            }
            (None, None, true) => InvalidationScope::All,
            _ => return Err(wrong("name one of `account`, `credential` and `all: true`")),
        };
        Ok(Invalidation { scope, mode })
    }
}

pub(super) async fn invalidate(State(endpoint): State<Arc<InvalidationEndpoint>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    endpoint.answer(&parts, body).await.unwrap_or_else(|refusal| {
        endpoint.public.metrics.refused(refusal.code.name());
        let mut response = refusal.answer(MediaType::Json, Statuses::Audits);
        if refusal.code == Code::MethodNotAllowed {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    })
}
