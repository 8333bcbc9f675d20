//! Compression of answers, for clients who ask for it. Who does not ask, as other servers seldom do, does not pay for it: the
//! library's body has body_memory for every encoder in it, on each answer.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::ACCEPT_ENCODING;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use tower::Service;
use tower_http::CompressionLevel;
use tower_http::compression::Compression;
use tower_http::compression::predicate::SizeAbove;

/// From this length on an answer is compressed, in bytes: below it costs more than it saves.
const COMPRESSED: u64 = 1024;

/// A service whose answers are compressed where the request accepts it.
#[derive(Clone)]
pub(in crate::http) struct Compressible<S> {
    plain: S,
    compressing: Compression<S, SizeAbove>,
}

impl<S: Clone> Compressible<S> {
    pub(in crate::http) fn new(service: S) -> Self {
        let compressing = Compression::new(service.clone());
        let compressing = compressing.quality(CompressionLevel::Fastest).compress_when(SizeAbove::new(COMPRESSED));
        Self { plain: service, compressing }
    }
}

impl<S> Service<Request> for Compressible<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<BoxFuture<'static, Result<Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.plain.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.headers().contains_key(ACCEPT_ENCODING) {
            let answered = self.compressing.call(request);
            Either::Left(answered.map(|answer| answer.map(|answer| answer.map(Body::new))).boxed())
        } else {
            Either::Right(self.plain.call(request))
        }
    }
}
