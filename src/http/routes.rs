//! The routes of the two listeners: GraphQL and the explorer on the public one, health, metrics, status and
//! invalidations on the admin port.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Version};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use futures_util::FutureExt;
use tower::{Service, ServiceBuilder, service_fn};

use super::admission::page_memory;
use super::app_state::AppState;
use super::framing::host;
use super::framing::service::FramingService;
use super::graphql::handler;
use super::response::compression::Compressible;
use super::response::error::not_found;
use super::status::{self, StatusSource, StatusState};
use super::swappable_routes::Routes;
use super::{Health, InvalidationEndpoint, Plans, cors, explorer, health, invalidation};
use crate::graphql::Code;
use crate::telemetry::Metrics;

/// The public listener's routes.
pub fn public(public: Arc<AppState>) -> Routes {
    let cors = cors::layer(&public.settings);
    let explorer = if public.settings.explorer {
        Router::new()
            .route("/", get(explorer::page))
            .route("/playground", get(explorer::page))
            .route("/explorer/{file}", get(explorer::file))
    } else {
        Router::new()
    };
    let pages = explorer
        .fallback(|State(public): State<Arc<AppState>>, headers: HeaderMap| async move {
            public.metrics.refused(Code::NotFound.name());
            not_found(&headers)
        })
        .with_state(public.clone());
    // Beside the router, which clones and boxes each service, and boxes what it returns.
    let paths = service_fn({
        let public = public.clone();
        move |request: Request| match request.uri().path() {
            "/graphql" => handler::serve(public.clone(), request).map(Ok).boxed(),
            _ => pages.clone().call(request).boxed(),
        }
    });
    let metrics = public.metrics.clone();
    let service = ServiceBuilder::new()
        .layer_fn(move |service| Compressible::new(service, metrics.clone()))
        .option_layer(cors)
        .service(paths);
    let service = FramingService::new(service, public.metrics.clone(), public.traces.clone());
    Arc::new(move |request, rest| service.clone().call(request, rest))
}

/// The admin listener's routes. With `names`, only requests that are meant for this machine, by one of them, are answered: where
/// callers need no credential, a page of another site must not read metrics either. `plans` are those of the public listener, and
/// `stages` what is behind it. Without an endpoint for invalidations there is no such path.
pub fn admin(
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    (plans, stages): (Plans, Arc<dyn StatusSource>),
    names: Option<Vec<String>>,
    invalidations: Option<InvalidationEndpoint>,
) -> Routes {
    let invalidations = match invalidations {
        Some(endpoint) => {
            Router::new().route("/invalidate", any(invalidation::invalidate)).with_state(Arc::new(endpoint))
        }
        None => Router::new(),
    };
    let names: Option<Arc<[String]>> = names.map(Into::into);
    let check_host = move |request: Request, next: Next| {
        let names = names.clone();
        async move {
            let ours = |names: &Arc<[String]>| host::is_ours(request.headers(), request.uri(), names);
            // HTTP/1.0 needs no Host, and no browser speaks it.
            if request.version() == Version::HTTP_10 || names.as_ref().is_none_or(ours) {
                next.run(request).await
            } else {
                host::misdirected().early_answer(request.headers())
            }
        }
    };
    let status = StatusState { health: health.clone(), metrics, plans, stages };
    let figures = Router::new().route("/metrics", get(exposition)).route("/status.json", get(status::status));
    let figures = figures.with_state(status).layer(from_fn_with_state(page_memory::page_memory(), page_memory::count));
    let routes = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .with_state(health)
        .route("/", get(status::page))
        .route("/status.js", get(status::script))
        .route("/status.css", get(status::style))
        .merge(figures)
        .merge(invalidations)
        .layer(from_fn(check_host));
    Arc::new(move |request, _| routes.clone().call(request).boxed())
}

async fn exposition(State(StatusState { metrics, plans, .. }): State<StatusState>) -> impl IntoResponse {
    plans.tell(&metrics);
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], metrics.exposition())
}
