//! The request's name: `x-request-id` is taken from the request where it is fit for a log, made otherwise, and returned.
//! One log line a request, without query string or body, and one span where its trace is recorded.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderName, HeaderValue, Method, StatusCode, Version};
use axum::response::Response;
use tokio::time::Instant;

use super::log_names::Logged;
use super::request_origin::RequestOrigin;
use crate::model::Clock;
use crate::telemetry;
use crate::telemetry::{SpanRecorder, TaskContext, Trace, Traces, attribute};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over, in bytes.
const LIMIT: usize = 128;

/// A request's name, as its origin has it.
#[derive(Clone)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// That of a request with these extensions.
    pub(super) fn of(extensions: &Extensions) -> Self {
        let id = RequestOrigin::of(extensions).and_then(|origin| origin.id.clone());
        Self(id.unwrap_or(HeaderValue::from_static("unnamed")))
    }

    /// Names a request with these extensions the same.
    pub(super) fn put_into(self, extensions: &mut Extensions) {
        RequestOrigin::name(extensions, self.0);
    }

    pub(super) fn text(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The context of a task that works for this request, at this position of a trace.
    pub(super) fn task_context(&self, trace: Option<Trace>) -> TaskContext {
        TaskContext::of_request(self.0.clone(), trace)
    }
}

/// A request's name, and what its log line and its span say of it.
pub(super) struct RequestName {
    id: HeaderValue,
    method: &'static str,
    path: &'static str,
    started: Instant,
    span: Option<telemetry::Span>,
}

impl RequestName {
    pub(super) fn of(request: &Request, traces: &Traces) -> Self {
        let id = request.headers().get(&HEADER).filter(|id| is_fit(id)).cloned().unwrap_or_else(new);
        let path = logged_path(request.uri().path());
        let span = traces.request(request.headers());
        let name = Self { id, method: logged_method(request.method()), path, started: Clock::instant(), span };
        if let Some(span) = &name.span {
            span.write(|span| name.describe(request.version(), span));
        }
        name
    }

    /// Records the attributes of the request that are known at its beginning.
    fn describe(&self, version: Version, span: &mut SpanRecorder<'_>) {
        // The conventions' word for other methods.
        let method = if self.method == "other" { "_OTHER" } else { self.method };
        span.name(format!("{method} {}", self.path));
        span.set(attribute::HTTP_METHOD, method);
        span.set(attribute::URL_PATH, self.path);
        if self.path.starts_with('/') {
            span.set(attribute::HTTP_ROUTE, self.path);
        }
        let version = match version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            _ => "1.1",
        };
        span.set(attribute::PROTOCOL_VERSION, version);
        span.set(attribute::REQUEST_ID, self.id.to_str().unwrap_or_default().to_owned());
    }

    pub(super) fn id(&self) -> RequestId {
        RequestId(self.id.clone())
    }

    /// The context of the task.
    pub(super) fn task_context(&self) -> TaskContext {
        TaskContext::of_request(self.id.clone(), self.span.as_ref().map(|span| span.trace().clone()))
    }

    /// Writes the log line, and the name into the response.
    pub(super) fn finish(self, response: &mut Response) {
        let Self { id, method, path, started, span } = self;
        let millis = Clock::elapsed_since(started).as_secs_f64() * 1000.0;
        let Logged { operations, accounts } = response.extensions_mut().remove().unwrap_or_default();
        let status = response.status();
        if let Some(span) = span {
            span.write(|span| end(status, operations.as_deref(), span));
            span.end();
        }
        let (operations, accounts) = (operations.as_deref(), accounts.as_deref());
        tracing::info!(method, path, status = status.as_u16(), millis, operations, accounts, "answered");
        response.headers_mut().insert(HEADER, id);
    }
}

/// The log line of a request whose client has gone before it had an answer. In the cancelled trace its documents are named, too.
pub(super) fn log_given_up(request: &Parts, started: Instant, logged: &Logged) {
    let Logged { operations, accounts } = logged;
    let (operations, accounts) = (operations.as_deref(), accounts.as_deref());
    Trace::write(|span| name_documents(operations, span));
    let (method, path) = (logged_method(&request.method), logged_path(request.uri.path()));
    let millis = Clock::elapsed_since(started).as_secs_f64() * 1000.0;
    tracing::info!(method, path, millis, operations, accounts, "given up by its client");
}

fn name_documents(operations: Option<&str>, span: &mut SpanRecorder<'_>) {
    if let Some(operations) = operations {
        span.set(attribute::DOCUMENT_NAMES, operations.to_owned());
    }
}

/// Records the outcome of a request. A client's mistake is no failure of this service.
fn end(status: StatusCode, operations: Option<&str>, span: &mut SpanRecorder<'_>) {
    span.set(attribute::HTTP_STATUS, i64::from(status.as_u16()));
    name_documents(operations, span);
    if status.is_server_error() {
        span.fail(None);
    }
}

/// Whether somebody is told of each request: there is a line for it, or its span is recorded.
pub(super) fn is_told() -> bool {
    tracing::enabled!(tracing::Level::INFO) || Trace::is_recorded()
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
    // Bytes with an owner are shared as they are; others are moved when they are first cloned.
    HeaderValue::from_maybe_shared(Bytes::from_owner(text)).unwrap_or(HeaderValue::from_static("unnamed"))
}
