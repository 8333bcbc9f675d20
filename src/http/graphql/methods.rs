//! Methods: the allowed ones, and the headers that announce them. QUERY (RFC 10008) is safe like GET and has a body like POST.

use axum::body::Body;
use axum::http::header::HeaderName;
use axum::http::{HeaderValue, Method, Response, StatusCode};

use super::respond::allow;
use crate::config;
use crate::graphql::Code;
use crate::http::response::error::HttpError;

const ACCEPT_QUERY: HeaderName = HeaderName::from_static("accept-query");

/// A method that carries a GraphQL request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestMethod {
    /// GET and HEAD: the parameters are in the URI.
    Get,
    Post,
    Query,
}

impl RequestMethod {
    pub(super) fn has_body(self) -> bool {
        self != Self::Get
    }

    /// Whether nothing but queries may run.
    pub(super) fn is_safe(self) -> bool {
        self != Self::Post
    }
}

pub(super) fn of(method: &Method, settings: &config::HttpConfig) -> Result<RequestMethod, HttpError> {
    match *method {
        Method::POST => Ok(RequestMethod::Post),
        Method::QUERY => Ok(RequestMethod::Query),
        Method::GET | Method::HEAD if settings.get_queries => Ok(RequestMethod::Get),
        _ => Err(HttpError::new(Code::MethodNotAllowed, "method not allowed")),
    }
}

/// The value of `Allow`.
pub(super) fn allowed(settings: &config::HttpConfig) -> &'static str {
    if settings.get_queries { "GET, HEAD, POST, QUERY, OPTIONS" } else { "POST, QUERY, OPTIONS" }
}

/// The response to OPTIONS.
pub(super) fn options(settings: &config::HttpConfig) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    allow(&mut response, allowed(settings));
    accept_query(&mut response);
    response
}

/// Announces QUERY on responses to GET, HEAD and QUERY, and on refusals that another method or media type would avoid.
pub(super) fn advertise(method: &Method, response: &mut Response<Body>) {
    let wrong = matches!(
        response.status(),
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::URI_TOO_LONG
    );
    if wrong || matches!(*method, Method::GET | Method::HEAD | Method::QUERY) {
        accept_query(response);
    }
}

fn accept_query(response: &mut Response<Body>) {
    response.headers_mut().insert(ACCEPT_QUERY, HeaderValue::from_static("application/json"));
}
