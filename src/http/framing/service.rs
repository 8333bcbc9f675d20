//! Framing: the rules that HTTP has for every message.
//!
//! The steps: validate the Host (RFC 9112, 3.2) → call the service → drain the rest of the body or close the connection
//! (`unread_body`) → drop the content of a response to HEAD (RFC 9110, 9.3.2).

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderValue, Method};
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tower::Service;

use super::{host, unread_body};

/// A service that applies these rules.
#[derive(Clone)]
pub(in crate::http) struct FramingService<S>(pub(in crate::http) S);

impl<S> Service<Request> for FramingService<S>
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
        let without_content = request.method() == Method::HEAD;
        let host = host::check(&request);
        let (request, rest) = unread_body::track(request);
        let response = match host {
            Ok(()) => Ok(self.0.call(request)),
            Err(refusal) => Err(refusal),
        };
        async move {
            let mut response = match response {
                Ok(response) => response.await?,
                Err(refusal) => refusal,
            };
            if let Some(rest) = rest {
                rest.drain_or_close(&mut response).await;
            }
            Ok(if without_content { head(response) } else { response })
        }
        .boxed()
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
