//! Tracks responses: a connection's service, whose answers are pending until their last byte has gone.
//!
//! While the service is draining, an answer over HTTP/1.1 asks its client to come back on another connection: one that stays
//! open would be closed under its next request.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, UPGRADE};
use axum::http::{HeaderValue, Method, Response, Version};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use tower::Service;

use super::response_deadline::{ConnectionStream, ConnectionStreams, PendingResponses, ResponseGuard, Streamed};
use super::tracked_body::TrackedBody;
use crate::auth::ClientCertificate;
use crate::http::request_origin::RequestOrigin;

/// A connection's service, whose answers are pending.
#[derive(Clone)]
pub struct TrackResponses<S> {
    service: S,
    pending: Arc<PendingResponses>,
    /// The client's address.
    client: IpAddr,
    /// The client's certificate from the TLS handshake.
    certificate: Option<Arc<ClientCertificate>>,
}

impl<S> TrackResponses<S> {
    pub(in crate::http) fn new(service: S, pending: Arc<PendingResponses>, client: IpAddr) -> Self {
        Self { service, pending, client, certificate: None }
    }

    pub(in crate::http) fn with_certificate(self, certificate: Option<Arc<ClientCertificate>>) -> Self {
        Self { certificate, ..self }
    }
}

impl<S, B> Service<Request<B>> for TrackResponses<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + Unpin + 'static,
    B: Send + 'static,
{
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = Either<TrackedResponse<S::Future>, BoxFuture<'static, Result<Self::Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let guard = self.pending.begin(self.pending.timeout);
        request.extensions_mut().insert(RequestOrigin { address: Some(self.client), id: None });
        if let Some(certificate) = &self.certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        if request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE) {
            request.extensions_mut().insert(ConnectionStreams(self.pending.clone()));
        }
        if request.version() != Version::HTTP_2 {
            let response = self.service.call(request);
            return Either::Left(TrackedResponse { response, guard, one_by_one: true });
        }
        // The service that is ready is the one to be called; its copy is for the next request.
        let next = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, next);
        let response = async move {
            guard.pending.taken().await;
            TrackedResponse { response: service.call(request), guard, one_by_one: false }.await
        };
        Either::Right(response.boxed())
    }
}

/// A response that is pending from now on.
pub struct TrackedResponse<F> {
    response: F,
    guard: Arc<ResponseGuard>,
    /// Whether its connection has one request at a time.
    one_by_one: bool,
}

impl<F> Future for TrackedResponse<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = Result<Response<TrackedBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = ready!(Pin::new(&mut self.response).poll(cx))?;
        let pending = &self.guard.pending;
        if self.one_by_one && pending.health.is_draining() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(Streamed(ends)) = response.extensions_mut().remove() {
            let stream = ConnectionStream::new(pending.clone(), ends);
            return Poll::Ready(Ok(response.map(|body| TrackedBody::of_stream(stream, body))));
        }
        self.guard.answered(response.body().size_hint().lower());
        Poll::Ready(Ok(response.map(|body| TrackedBody::of_response(self.guard.clone(), body))))
    }
}
