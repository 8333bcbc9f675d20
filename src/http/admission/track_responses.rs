//! Tracks responses: a connection's service, whose answers are pending until their last byte has gone.
//!
//! While the service is draining, an answer over HTTP/1.1 asks its client to come back on another connection: one that stays
//! open would be closed under its next request.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::header::{CONNECTION, UPGRADE};
use axum::http::{HeaderValue, Method, Response, Version};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use hyper::body::Incoming;
use hyper::service::Service;

use super::response_deadline::{ConnectionStream, ConnectionStreams, PendingResponses, ResponseGuard, Streamed};
use super::tracked_body::TrackedBody;
use crate::auth::ClientCertificate;
use crate::http::request_origin::RequestOrigin;
use crate::http::{Answer, SwappableRoutes};

/// A connection's service, whose answers are pending.
pub(in crate::http) struct TrackResponses {
    routes: SwappableRoutes,
    pending: Arc<PendingResponses>,
    /// The client's address.
    client: IpAddr,
    /// The client's certificate from the TLS handshake.
    certificate: Option<Arc<ClientCertificate>>,
}

impl TrackResponses {
    pub(super) fn new(
        routes: SwappableRoutes,
        pending: Arc<PendingResponses>,
        (client, certificate): (IpAddr, Option<Arc<ClientCertificate>>),
    ) -> Self {
        Self { routes, pending, client, certificate }
    }
}

impl Service<Request<Incoming>> for TrackResponses {
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = Either<TrackedResponse, BoxFuture<'static, Result<Self::Response, Infallible>>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let guard = self.pending.begin(self.pending.timeout);
        request.extensions_mut().insert(RequestOrigin { address: Some(self.client), id: None });
        if let Some(certificate) = &self.certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        if request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE) {
            request.extensions_mut().insert(ConnectionStreams(self.pending.clone()));
        }
        if request.version() != Version::HTTP_2 {
            let response = self.routes.answer(request);
            return Either::Left(TrackedResponse { response, guard, one_by_one: true });
        }
        let routes = self.routes.clone();
        let response = async move {
            guard.pending.taken().await;
            TrackedResponse { response: routes.answer(request), guard, one_by_one: false }.await
        };
        Either::Right(response.boxed())
    }
}

/// A response that is pending from now on.
pub(in crate::http) struct TrackedResponse {
    response: Answer,
    guard: Arc<ResponseGuard>,
    /// Whether its connection has one request at a time.
    one_by_one: bool,
}

impl Future for TrackedResponse {
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
