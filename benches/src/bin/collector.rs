//! A receiver of traces that takes everything and keeps nothing.

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use flowmatix_graphql_benches::serve;

fn main() -> anyhow::Result<()> {
    serve::serve(async || Ok(Router::new().route("/v1/traces", post(take))))
}

async fn take(_spans: Bytes) {}
