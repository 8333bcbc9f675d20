//! What is served where: GraphQL for everybody, health and metrics for the operator.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{any, get};
use tower::util::option_layer;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use super::error::not_found;
use super::{Health, Overload, cors, explorer, graphql_over_http, health, request_id};
use crate::auth::Auth;
use crate::config;
use crate::graphql::Engine;
use crate::telemetry::Metrics;

/// From this length on an answer is compressed, in bytes: below it costs more than it saves.
const COMPRESSED: u64 = 1024;

/// What the public listener serves from.
pub struct Public {
    /// Answers requests.
    pub engine: Engine,
    /// Knows callers.
    pub auth: Auth,
    /// Limits and switches.
    pub settings: config::Http,
    /// Knows when the service is about to stop.
    pub health: Arc<Health>,
    /// Sheds what is too much.
    pub overload: Overload,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

/// The public listener's routes.
pub fn public(public: Public) -> Router {
    let public = Arc::new(public);
    let farewell = middleware::from_fn_with_state(public.health.clone(), health::farewell);
    let cors = cors::layer(&public.settings);
    let explorer = if public.settings.explorer {
        Router::new()
            .route("/", get(explorer::page))
            .route("/playground", get(explorer::page))
            .route("/explorer/{file}", get(explorer::file))
    } else {
        Router::new()
    };
    explorer
        .route("/graphql", any(graphql_over_http::serve))
        .fallback(|headers: axum::http::HeaderMap| async move { not_found(&headers) })
        .layer(option_layer(cors))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(SizeAbove::new(COMPRESSED)))
        .layer(middleware::from_fn(request_id::layer))
        .layer(farewell)
        .with_state(public)
}

/// The admin listener's routes.
pub fn admin(health: Arc<Health>, metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .with_state(health)
        .merge(Router::new().route("/metrics", get(exposition)).with_state(metrics))
}

async fn exposition(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], metrics.exposition())
}
