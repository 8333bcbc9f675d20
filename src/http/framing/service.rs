//! Framing: the rules for every message, HTTP's and our own.
//!
//! The steps: name the request, and find its trace (`request_id`) → validate the Host (RFC 9112, 3.2) → call the service → drain
//! the rest of the body or close the connection (`unread_body`) → drop the content of a response to HEAD (RFC 9110, 9.3.2).

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderValue, Method};
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tower::Service;

use super::host;
use super::unread_body::UnreadBody;
use crate::http::request_id::RequestName;
use crate::http::response::error::HttpError;
use crate::telemetry::{Metrics, Traces};

/// A service that applies these rules.
#[derive(Clone)]
pub(in crate::http) struct FramingService<S> {
    service: S,
    metrics: Arc<Metrics>,
    traces: Traces,
}

impl<S> FramingService<S> {
    pub(in crate::http) fn new(service: S, metrics: Arc<Metrics>, traces: Traces) -> Self {
        Self { service, metrics, traces }
    }
}

impl<S> FramingService<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    /// Answers a request; `rest` receives what is not read of its body.
    pub(in crate::http) fn call(
        &mut self,
        mut request: Request,
        rest: Option<UnreadBody>,
    ) -> BoxFuture<'static, Result<Response, Infallible>> {
        let name = RequestName::of(&request, &self.traces);
        let counted = RequestCount::new(self.metrics.clone());
        let context = name.task_context();
        let without_content = request.method() == Method::HEAD;
        let refusal = host::check(&request).err();
        name.id().put_into(request.extensions_mut());
        let response = match refusal {
            None => Ok(self.service.call(request)),
            Some(problem) => {
                let refusal = HttpError::unreadable(problem);
                self.metrics.refused(refusal.code.name());
                Err(refusal.early_answer(request.headers()))
            }
        };
        let answered = async move {
            let mut response = match response {
                Ok(response) => response.await?,
                Err(refusal) => refusal,
            };
            if let Some(rest) = rest {
                rest.drain_or_close(&mut response).await;
            }
            let mut response = if without_content { head(response) } else { response };
            name.finish(&mut response);
            drop(counted);
            Ok(response)
        };
        context.scope(answered).boxed()
    }
}

/// Counts a request until it has an answer, or its client has gone.
struct RequestCount(Arc<Metrics>);

impl RequestCount {
    fn new(metrics: Arc<Metrics>) -> Self {
        metrics.listener().request_begun();
        Self(metrics)
    }
}

impl Drop for RequestCount {
    fn drop(&mut self) {
        self.0.listener().request_ended();
    }
}

/// The response without its content, and with the length that the content would have had.
fn head(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}
