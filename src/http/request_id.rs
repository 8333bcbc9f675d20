//! The request's name: `x-request-id` is taken from the request where it is fit for a log, made otherwise, and returned.
//! One log line a request, without query string or body.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tower::Service;
use tracing::Instrument;

use crate::model::Clock;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over, in bytes.
const LIMIT: usize = 128;

/// A service whose requests have names.
#[derive(Clone)]
pub(super) struct RequestIdService<S>(pub(super) S);

impl<S> Service<Request> for RequestIdService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let id = request.headers().get(&HEADER).filter(|id| is_fit(id)).cloned().unwrap_or_else(new);
        let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
        let (method, path) = (request.method().clone(), told(request.uri().path()));
        let started = Clock::instant();
        let response = self.0.call(request);
        async move {
            let mut response = response.await?;
            let millis = started.elapsed().as_secs_f64() * 1000.0;
            tracing::info!(%method, path, status = response.status().as_u16(), millis, "answered");
            response.headers_mut().insert(HEADER, id);
            Ok(response)
        }
        .instrument(span)
        .boxed()
    }
}

/// The path as the log has it: what is served, and nothing that a client made up.
fn told(path: &str) -> &'static str {
    match path {
        "/graphql" => "/graphql",
        "/" => "/",
        "/playground" => "/playground",
        _ if path.starts_with("/explorer/") => "/explorer",
        _ => "elsewhere",
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
