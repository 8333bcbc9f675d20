//! CORS: which other origins' pages may call the service. None, unless they are named.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config;

/// The request headers that such a page may send besides those that every page may.
const ALLOWED: [&str; 9] = [
    "x-flowmatix-email",
    "x-flowmatix-type",
    "x-flowmatix-max-age",
    "x-flowmatix-show-cost",
    "x-request-id",
    "apollo-require-preflight",
    "x-apollo-operation-name",
    "apollographql-client-name",
    "apollographql-client-version",
];
/// The response headers that such a page may read besides those that every page may.
const EXPOSED: [&str; 3] = ["x-request-id", "ratelimit", "ratelimit-policy"];
/// How long a browser may remember the permission.
const MAX_AGE: Duration = Duration::from_secs(600);

/// The layer that answers preflights and marks answers; `None` where no origin is named.
pub(super) fn layer(settings: &config::HttpConfig) -> Option<CorsLayer> {
    let origins = match settings.cors_origins.as_slice() {
        [] => return None,
        [any] if any == "*" => AllowOrigin::any(),
        exact => AllowOrigin::list(exact.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    let headers =
        ALLOWED.into_iter().map(HeaderName::from_static).chain([AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE]);
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::QUERY])
        .allow_headers(headers.collect::<Vec<_>>())
        .expose_headers(EXPOSED.map(HeaderName::from_static).into_iter().chain([RETRY_AFTER]).collect::<Vec<_>>())
        .allow_credentials(settings.cors_credentials)
        .max_age(MAX_AGE);
    Some(layer)
}
