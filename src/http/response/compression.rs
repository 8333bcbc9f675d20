//! Compression of responses, for requests that accept it. Other requests skip the layer, because the library's body type holds
//! every encoder, and costs accordingly.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::ACCEPT_ENCODING;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use tower::Service;
use tower_http::CompressionLevel;
use tower_http::compression::Compression;
use tower_http::compression::predicate::{And, NotForContentType, Predicate, SizeAbove};

use super::accept_encoding::{Coding, choose};
use super::error::HttpError;
use crate::graphql::Code;
use crate::telemetry::Metrics;

/// From this length on an answer is compressed, in bytes: below it costs more than it saves.
const COMPRESSED: u64 = 1024;

/// A service whose answers are compressed where the request accepts it.
#[derive(Clone)]
pub(in crate::http) struct Compressible<S> {
    plain: S,
    metrics: Arc<Metrics>,
}

/// Which answers are compressed: long ones, but no streams, whose events an encoder would hold back.
type Compressed = And<And<SizeAbove, NotForContentType>, NotForContentType>;

impl<S> Compressible<S> {
    pub(in crate::http) fn new(service: S, metrics: Arc<Metrics>) -> Self {
        Self { plain: service, metrics }
    }
}

/// A service whose answers of this length or more are compressed. It is made for each request that accepts that: a service is
/// cloned for every request.
fn compressed<S>(service: S, length: u64) -> Compression<S, Compressed> {
    let streams = ["text/event-stream", "multipart/mixed"].map(NotForContentType::const_new);
    let [events, parts] = streams;
    let compression = Compression::new(service).quality(CompressionLevel::Fastest);
    compression.compress_when(SizeAbove::new(length).and(events).and(parts))
}

impl<S> Service<Request> for Compressible<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<BoxFuture<'static, Result<Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.plain.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let coding = choose(request.headers());
        let (length, name) = match coding {
            Some(Coding::Identity) => return Either::Right(self.plain.call(request)),
            Some(Coding::Preferred(name)) => (COMPRESSED, name),
            // It refuses plain answers.
            Some(Coding::Required(name)) => (1, name),
            None => {
                let refusal =
                    HttpError::new(Code::InvalidAccept, "accept-encoding must allow identity, zstd, br or gzip");
                self.metrics.refused(refusal.code.name());
                return Either::Left(ready(Ok(refusal.early_answer(request.headers()))).boxed());
            }
        };
        // The choice is made here, once, and the library is told of it. It leaves alone what is stored in a coding.
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(name));
        // The service that is ready is the one to be called; its copy is for the next request.
        let next = self.plain.clone();
        let answered = compressed(std::mem::replace(&mut self.plain, next), length).call(request);
        Either::Left(answered.map(|answer| answer.map(|answer| answer.map(Body::new))).boxed())
    }
}
