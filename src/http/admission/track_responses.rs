//! Tracks responses: a connection's service, whose answers are pending until their last byte has gone.
//!
//! While the service is draining, an answer over HTTP/1.1 asks its client to come back on another connection: one that stays
//! open would be closed under its next request.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, UPGRADE};
use axum::http::{HeaderValue, Method, Response, Version};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tower::Service;

use super::client_ip::ProxiedAddress;
use super::response_deadline::{ConnectionStream, ConnectionStreams, PendingResponses, Streamed};
use super::tracked_body::TrackedBody;
use crate::auth::ClientCertificate;

/// A connection's service, whose answers are pending.
#[derive(Clone)]
pub struct TrackResponses<S> {
    service: S,
    pending: Arc<PendingResponses>,
    /// The client's address, where a proxy gave it in front of the connection.
    client: Option<ProxiedAddress>,
    /// The client's certificate from the TLS handshake.
    certificate: Option<Arc<ClientCertificate>>,
}

impl<S> TrackResponses<S> {
    pub(in crate::http) fn new(service: S, pending: Arc<PendingResponses>, client: Option<ProxiedAddress>) -> Self {
        Self { service, pending, client, certificate: None }
    }

    pub(in crate::http) fn with_certificate(self, certificate: Option<Arc<ClientCertificate>>) -> Self {
        Self { certificate, ..self }
    }
}

impl<S, B> Service<Request<B>> for TrackResponses<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let guard = self.pending.begin(self.pending.timeout);
        if let Some(client) = self.client {
            request.extensions_mut().insert(client);
        }
        if let Some(certificate) = &self.certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        if request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE) {
            request.extensions_mut().insert(ConnectionStreams(self.pending.clone()));
        }
        let one_by_one = request.version() != Version::HTTP_2;
        // The service that is ready is the one to be called; its copy is for the next request.
        let next = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, next);
        async move {
            let pending = guard.pending.clone();
            if !one_by_one {
                pending.taken().await;
            }
            let mut response = service.call(request).await?;
            if one_by_one && pending.health.is_draining() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            if let Some(Streamed(ends)) = response.extensions_mut().remove() {
                let stream = ConnectionStream::new(pending, ends);
                return Ok(response.map(|body| TrackedBody::of_stream(stream, body)));
            }
            guard.answered(response.body().size_hint().lower());
            Ok(response.map(|body| TrackedBody::of_response(guard, body)))
        }
        .boxed()
    }
}
