//! Routes that are swapped as a whole while connections stay open: each request takes those that are there when it comes.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use axum::http::Request;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use axum::{BoxError, Router};
use parking_lot::RwLock;
use tower::Service;

/// The routes of a listener. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct SwappableRoutes(Arc<RwLock<Router>>);

impl SwappableRoutes {
    /// Begins with these.
    #[must_use]
    pub fn new(routes: Router) -> Self {
        Self(Arc::new(RwLock::new(routes)))
    }

    /// Requests that come from now on find these.
    pub fn set(&self, routes: Router) {
        *self.0.write() = routes;
    }
}

/// For bodies as they come from connections: a router around this one would box each request once more.
impl<B> Service<Request<B>> for SwappableRoutes
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut routes = self.0.read().clone();
        routes.call(request)
    }
}
