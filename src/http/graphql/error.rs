//! Refusals before GraphQL: each error code's status, and an answer in GraphQL's shape and the media type agreed on.

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::negotiate::{MediaType, accepted};
use crate::auth::AuthError;
use crate::graphql::Code;
use crate::model;

/// What an answer depends on besides its body.
const VARY_BY: &str =
    "authorization, accept, accept-encoding, origin, x-flowmatix-email, x-flowmatix-type, x-flowmatix-max-age";

/// A request that does not get to be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct HttpError {
    pub(in crate::http) code: Code,
    pub(in crate::http) message: String,
    /// When asking again makes sense, in seconds.
    pub(in crate::http) retry_after: Option<u64>,
    /// What the caller should show instead (RFC 6750, 3), where that is what is wrong.
    pub(in crate::http) challenge: Option<&'static str>,
}

impl HttpError {
    pub(in crate::http) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None, challenge: None }
    }

    pub(in crate::http) fn answer(&self, media_type: MediaType) -> Response<Body> {
        let mut extensions = serde_json::json!({ "code": self.code.name() });
        if let Some(seconds) = self.retry_after {
            extensions["retryAfterSeconds"] = seconds.into();
        }
        let body = serde_json::json!({ "errors": [{ "message": self.message, "extensions": extensions }] });
        let mut response = answer(status(self.code), media_type, body.to_string().into_bytes());
        let headers = response.headers_mut();
        headers.extend(self.retry_after.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
        headers.extend(self.challenge.map(|challenge| (WWW_AUTHENTICATE, HeaderValue::from_static(challenge))));
        if self.code == Code::MethodNotAllowed {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, OPTIONS"));
        }
        response
    }
}

impl From<AuthError> for HttpError {
    fn from(denied: AuthError) -> Self {
        match denied {
            AuthError::Unauthenticated(message) => {
                Self { challenge: Some("Bearer"), ..Self::new(Code::Unauthenticated, message) }
            }
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

/// The status of a request refused with this code.
pub(in crate::http) fn status(code: Code) -> StatusCode {
    match code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::Csrf => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::InvalidAccept => StatusCode::NOT_ACCEPTABLE,
        Code::InvalidContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::MisdirectedRequest => StatusCode::MISDIRECTED_REQUEST,
        Code::RequestRateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::RequestConcurrencyLimited | Code::AuthenticationUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        // As Apollo Server has it: the client is expected to send the text next.
        Code::PersistedQueryNotFound => StatusCode::OK,
        Code::RequestTimeout => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// An answer's envelope, closed to every cache until somebody opens it.
pub(in crate::http) fn answer(status: StatusCode, media_type: MediaType, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
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
    let media_type = accepted(headers).unwrap_or(MediaType::Json);
    HttpError::new(Code::NotFound, "nothing is served here; GraphQL is at /graphql").answer(media_type)
}
