//! Methods: which ones ask a question here, and how clients learn of them. QUERY is RFC 10008's: safe like GET, with a body like
//! POST.

use axum::body::Body;
use axum::http::header::HeaderName;
use axum::http::{HeaderValue, Method, Response, StatusCode};

use super::respond::allow;
use crate::config;
use crate::graphql::Code;
use crate::http::response::error::HttpError;

const ACCEPT_QUERY: HeaderName = HeaderName::from_static("accept-query");

/// A method that asks a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// GET and HEAD: the parameters are in the URI.
    Get,
    Post,
    Query,
}

impl Asking {
    pub(super) fn has_body(self) -> bool {
        self != Self::Get
    }

    /// Whether nothing but queries may run.
    pub(super) fn is_safe(self) -> bool {
        self != Self::Post
    }
}

pub(super) fn of(method: &Method, settings: &config::HttpConfig) -> Result<Asking, HttpError> {
    match *method {
        Method::POST => Ok(Asking::Post),
        Method::QUERY => Ok(Asking::Query),
        Method::GET | Method::HEAD if settings.get_queries => Ok(Asking::Get),
        _ => Err(HttpError::new(Code::MethodNotAllowed, "this method is not allowed here")),
    }
}

/// The methods that are served, as `Allow` has them.
pub(super) fn allowed(settings: &config::HttpConfig) -> &'static str {
    if settings.get_queries { "GET, HEAD, POST, QUERY, OPTIONS" } else { "POST, QUERY, OPTIONS" }
}

/// The answer to OPTIONS.
pub(super) fn options(settings: &config::HttpConfig) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    allow(&mut response, allowed(settings));
    accept_query(&mut response);
    response
}

/// Tells that there is QUERY: to those who ask otherwise for what could be asked so, and to those who got its body wrong.
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
