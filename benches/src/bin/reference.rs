//! The reference front: async-graphql executes the derived schema over rosters that are already loaded, behind
//! async-graphql-axum's own service. Without our limits, our prepared operations and our envelope.

use std::sync::Arc;

use async_graphql::{Data, Executor, Request, Response};
use async_graphql_axum::GraphQL;
use axum::Router;
use flowmatix_graphql::graphql::Engine;
use flowmatix_graphql::model::{Clock, Grants};
use flowmatix_graphql::telemetry::Metrics;
use flowmatix_graphql_benches::{serve, service};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

// As the service's own: with the C library's, the reference front is half as fast in some runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Clone)]
struct Reference {
    engine: Arc<Engine>,
    grants: Arc<dyn Grants>,
}

impl Executor for Reference {
    async fn execute(&self, request: Request) -> Response {
        self.engine.respond(request, self.grants.clone(), None).await.0
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        let reference = self.clone();
        stream::once(async move { reference.execute(request).await }).boxed()
    }
}

fn main() -> anyhow::Result<()> {
    let config = service::config(&std::env::args().nth(1).unwrap_or_default())?;
    serve::serve(async || {
        let (clock, metrics) = (Clock::start(), Arc::new(Metrics::default()));
        let upstream = flowmatix_graphql::app::upstream(&config, clock, metrics.clone()).await?;
        let grants = service::grants(&config)?;
        let engine = Arc::new(service::engine(&config, upstream, clock, metrics));
        Ok(Router::new().route_service("/", GraphQL::new(Reference { engine, grants })))
    })
}
