//! Routes that are swapped as a whole while connections stay open: each request takes those that are there when it comes.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::future::RouteFuture;
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

    /// As one router, for a listener.
    pub fn router(&self) -> Router {
        Router::new().fallback_service(self.clone())
    }
}

impl Service<Request> for SwappableRoutes {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let mut routes = self.0.read().clone();
        routes.call(request)
    }
}
