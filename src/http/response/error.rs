//! Refusals before execution: a response in GraphQL's shape and the negotiated media type.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::negotiate::{MediaType, accepted};
use super::status;
use crate::auth::AuthError;
use crate::compute::ComputeError;
use crate::config::Statuses;
use crate::graphql::Code;
use crate::model;

/// The request headers that an answer depends on.
const VARY_BY: &str = "authorization, accept, accept-encoding, origin, x-flowmatix-email, x-flowmatix-type, \
                       x-flowmatix-max-age, x-flowmatix-show-cost, x-flowmatix-router-secret, \
                       apollo-federation-include-trace";
/// The content codings of bodies that can be read, as `Accept-Encoding` of a refusal lists them.
pub(in crate::http) const BODY_CODINGS: &str = "zstd, br, gzip";

/// A request that is refused before it is executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct HttpError {
    pub(in crate::http) code: Code,
    pub(in crate::http) message: String,
    /// A status other than the code's.
    pub(in crate::http) status: Option<StatusCode>,
    /// When asking again makes sense, in seconds.
    pub(in crate::http) retry_after: Option<u64>,
    /// The `WWW-Authenticate` challenge (RFC 6750, 3), if the credential is at fault.
    pub(in crate::http) challenge: Option<&'static str>,
    /// Whether this is the last response of its connection.
    pub(in crate::http) close: bool,
}

impl HttpError {
    pub(in crate::http) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), status: None, retry_after: None, challenge: None, close: false }
    }

    /// The request cannot be read.
    pub(in crate::http) fn unreadable(message: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, message).with_status(StatusCode::BAD_REQUEST)
    }

    /// The request can be read, and is not a GraphQL request.
    pub(in crate::http) fn no_graphql(message: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, message)
    }

    pub(in crate::http) fn with_status(self, status: StatusCode) -> Self {
        Self { status: Some(status), ..self }
    }

    pub(in crate::http) fn answer(&self, media_type: MediaType, statuses: Statuses) -> Response<Body> {
        let body = format!("{{\"errors\":{}}}", error_list(self));
        let status = self.status.unwrap_or_else(|| status::refused(self.code, media_type, statuses));
        let mut response = envelope(status, media_type, Body::from(body));
        let headers = response.headers_mut();
        headers.extend(self.retry_after.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
        headers.extend(self.challenge.map(|challenge| (WWW_AUTHENTICATE, HeaderValue::from_static(challenge))));
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if self.code == Code::InvalidContentEncoding {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(BODY_CODINGS));
        }
        response
    }

    /// The response to a request that is refused before it is routed.
    pub(in crate::http) fn early_answer(&self, headers: &HeaderMap) -> Response<Body> {
        self.answer(accepted(headers).unwrap_or(MediaType::Json), Statuses::Audits)
    }
}

/// A refusal as GraphQL's `errors` have it: a list, as JSON.
pub(in crate::http) fn error_list(refusal: &HttpError) -> String {
    let mut extensions = serde_json::json!({ "code": refusal.code.name() });
    if let Some(seconds) = refusal.retry_after {
        extensions["retryAfterSeconds"] = seconds.into();
    }
    serde_json::json!([{ "message": refusal.message, "extensions": extensions }]).to_string()
}

impl From<AuthError> for HttpError {
    fn from(denied: AuthError) -> Self {
        match denied {
            AuthError::Unauthenticated(message) => {
                Self { challenge: Some("Bearer"), ..Self::new(Code::Unauthenticated, message) }
            }
            // No header of a request can mend it, so there is nothing to challenge for.
            AuthError::NoCertificate(message) => Self::new(Code::Unauthenticated, message),
            AuthError::Invalid(message) => {
                let challenge = Some(r#"Bearer error="invalid_token""#);
                Self { challenge, ..Self::new(Code::Unauthenticated, message) }
            }
            AuthError::Insufficient(message) => {
                let challenge = Some(r#"Bearer error="insufficient_scope", scope="team:read""#);
                Self { challenge, ..Self::new(Code::Forbidden, message) }
            }
            AuthError::Unavailable { retry_after } => Self {
                retry_after: Some(retry_after.as_secs().max(1)),
                ..Self::new(Code::AuthenticationUnavailable, "the keys that tokens are checked with are not there yet")
            },
            AuthError::Refused(refusal) => {
                let code = match refusal {
                    model::AccessError::AccountRequired => Code::AccountRequired,
                    model::AccessError::Forbidden(_) => Code::Forbidden,
                    model::AccessError::BadInput(_) => Code::BadUserInput,
                };
                Self::new(code, refusal.to_string())
            }
        }
    }
}

impl From<ComputeError> for HttpError {
    fn from(error: ComputeError) -> Self {
        match error {
            ComputeError::Full => {
                Self { retry_after: Some(1), ..Self::new(Code::RequestConcurrencyLimited, "too much work is waiting") }
            }
            ComputeError::Cancelled => Self::new(Code::RequestTimeout, "request timed out"),
            ComputeError::Panicked => Self::new(Code::Internal, "internal server error"),
        }
    }
}

/// A response that no cache may store.
pub(in crate::http) fn envelope<B>(status: StatusCode, media_type: MediaType, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    // With what other layers add, so that it need not grow.
    response.headers_mut().reserve(12);
    let mut set = |name: HeaderName, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
    set(CONTENT_TYPE, media_type.header());
    set(CACHE_CONTROL, "no-store");
    set(VARY, VARY_BY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

/// There is nothing at this path.
pub(in crate::http) fn not_found(headers: &HeaderMap) -> Response<Body> {
    HttpError::new(Code::NotFound, "nothing is served here; GraphQL is at /graphql").early_answer(headers)
}
