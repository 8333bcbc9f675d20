//! Routes that are swapped as a whole while connections stay open: each request takes those that are there when it comes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::Request;
use axum::response::Response;
use futures_util::future::BoxFuture;
use parking_lot::RwLock;

use super::framing::unread_body::{self, UnreadBody};

/// The handler of a listener's requests, which is told how the rest of a request's body is received.
pub type Routes = Arc<dyn Fn(Request<Body>, Option<UnreadBody>) -> Answer + Send + Sync>;
/// The answer to one.
pub type Answer = BoxFuture<'static, Result<Response, Infallible>>;

/// The routes of a listener. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct SwappableRoutes(Arc<RwLock<Routes>>);

impl SwappableRoutes {
    /// Begins with these.
    #[must_use]
    pub fn new(routes: Routes) -> Self {
        Self(Arc::new(RwLock::new(routes)))
    }

    /// Requests that come from now on find these.
    pub fn set(&self, routes: Routes) {
        *self.0.write() = routes;
    }

    /// Answers a request.
    pub fn answer<B>(&self, request: Request<B>) -> Answer
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let routes = self.0.read().clone();
        let (request, rest) = unread_body::track(request);
        routes(request, rest)
    }
}
