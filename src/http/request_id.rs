//! The request's name: `x-request-id` is taken from the request where it is fit for a log, made otherwise, and returned.
//! One log line a request, without query string or body.

use axum::extract::Request;
use axum::http::{Extensions, HeaderName, HeaderValue, Method};
use axum::response::Response;
use tokio::time::Instant;
use tracing::Span;

use super::log_names::Logged;
use crate::model::Clock;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over, in bytes.
const LIMIT: usize = 128;

/// A request's name, in its extensions.
#[derive(Clone)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// That of a request with these extensions.
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or(Self(HeaderValue::from_static("unnamed")))
    }

    pub(super) fn text(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// A request's name, and what its log line says of it.
pub(super) struct RequestName {
    id: HeaderValue,
    method: &'static str,
    path: &'static str,
    started: Instant,
}

impl RequestName {
    pub(super) fn of(request: &Request) -> Self {
        let id = request.headers().get(&HEADER).filter(|id| is_fit(id)).cloned().unwrap_or_else(new);
        let path = logged_path(request.uri().path());
        Self { id, method: logged_method(request.method()), path, started: Clock::instant() }
    }

    /// For the request's extensions.
    pub(super) fn id(&self) -> RequestId {
        RequestId(self.id.clone())
    }

    /// The span that all log lines of the request are in; at the highest level, so that warnings name their request also where
    /// nothing less is logged.
    pub(super) fn span(&self) -> Span {
        tracing::error_span!("request", id = self.id.to_str().unwrap_or_default())
    }

    /// Writes the log line, and the name into the response.
    pub(super) fn finish(self, response: &mut Response) {
        let Self { id, method, path, started } = self;
        let millis = started.elapsed().as_secs_f64() * 1000.0;
        let Logged { operations, accounts } = response.extensions_mut().remove().unwrap_or_default();
        let (operations, accounts) = (operations.as_deref(), accounts.as_deref());
        tracing::info!(method, path, status = response.status().as_u16(), millis, operations, accounts, "answered");
        response.headers_mut().insert(HEADER, id);
    }
}

/// Whether there is a line for each request.
pub(super) fn is_logged() -> bool {
    tracing::enabled!(tracing::Level::INFO)
}

/// The path as the log has it: what is served, and nothing that a client made up.
fn logged_path(path: &str) -> &'static str {
    match path {
        "/graphql" => "/graphql",
        "/" => "/",
        "/playground" => "/playground",
        _ if path.starts_with("/explorer/") => "/explorer",
        _ => "elsewhere",
    }
}

/// The method as the log has it: a known one, and no text that a client made up.
fn logged_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::QUERY => "QUERY",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

fn is_fit(id: &HeaderValue) -> bool {
    !id.is_empty()
        && id.len() <= LIMIT
        && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || b"-._:/+=".contains(b))
}

/// It need not be a secret, only another one each time.
fn new() -> HeaderValue {
    let digit = |n: u32, bits: u128| b"0123456789abcdef"[(bits >> (4 * n)) as usize & 15];
    let bits = fastrand::u128(..);
    let text: [u8; 32] = std::array::from_fn(|n| digit(n as u32, bits));
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("unnamed"))
}
