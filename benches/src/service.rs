//! The service's engine in this process, over teams in memory: for what is measured step by step.

use std::sync::Arc;

use axum::http::header;
use flowmatix_graphql::auth::Authenticator;
use flowmatix_graphql::config::{Config, Flag, Profile, Sources};
use flowmatix_graphql::graphql::{Engine, Reference, Request, Settings, Variables};
use flowmatix_graphql::loader::LoaderFactory;
use flowmatix_graphql::model::{Clock, Grants, UpstreamError};
use flowmatix_graphql::roster::Rosters;
use flowmatix_graphql::telemetry::Metrics;
use flowmatix_graphql::upstream::{self, FetchedRoster, Load, Upstream};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::{process, team};

/// The configuration of the contestants that are the service or its engine.
pub fn config(upstream: &str) -> anyhow::Result<Config> {
    config_with(upstream, &[])
}

/// The same, with these settings besides.
pub fn config_with(upstream: &str, more: &[(&'static str, &str)]) -> anyhow::Result<Config> {
    let more = more.iter().map(|(path, value)| (*path, (*value).to_owned()));
    let flags = process::settings(upstream).chain(more);
    let flags = flags.map(|(path, value)| Flag { flag: "--set".into(), path: path.into(), value });
    Ok(Config::load(Profile::Serve, &Sources { flags: flags.collect(), ..Sources::default() })?)
}

/// An engine over an upstream.
pub fn engine(config: &Config, upstream: Arc<dyn Upstream>, clock: Clock, metrics: Arc<Metrics>) -> Engine {
    let rosters = Rosters::new(&config.roster, upstream, clock, metrics.clone());
    engine_over(config, Arc::new(rosters), metrics)
}

/// An engine over rosters.
pub fn engine_over(config: &Config, rosters: Arc<Rosters>, metrics: Arc<Metrics>) -> Engine {
    let settings = Settings {
        graphql: config.graphql.clone(),
        documents: config.documents.clone(),
        manifest: Default::default(),
        federation: config.federation.clone(),
        tokens: config.tokens.clone(),
    };
    Engine::new(settings, LoaderFactory::new(rosters, config.loader.concurrency, metrics.clone()), metrics)
}

/// What a caller may read.
pub fn grants(config: &Config) -> anyhow::Result<Arc<dyn Grants>> {
    let request = axum::http::Request::builder().header(header::AUTHORIZATION, "Bearer bench").body(())?;
    let parts = request.into_parts().0;
    let auth = Authenticator::passthrough(&config.account, None);
    // Nothing is waited for in this mode.
    let grants = auth.authenticate(&parts).now_or_never().and_then(Result::ok);
    grants.ok_or_else(|| anyhow::anyhow!("the caller is refused"))
}

/// A request of a body that [`questions`](crate::questions) made.
pub fn request(body: &str, grants: Arc<dyn Grants>) -> anyhow::Result<Request> {
    let mut body: serde_json::Map<String, serde_json::Value> = serde_json::from_str(body)?;
    let query = body.remove("query").and_then(|query| query.as_str().map(str::to_owned)).unwrap_or_default();
    let variables = Variables::from_json(body.remove("variables").unwrap_or_default());
    let document = Reference { text: Some(query), ..Reference::default() };
    Ok(Request {
        document,
        operation_name: None,
        variables,
        show_cost: false,
        trace: false,
        ticket: flowmatix_graphql::compute::Ticket::default(),
        queries_only: false,
        audit: None,
        max_age: None,
        grants,
    })
}

/// The document of such a body.
pub fn text(body: &str) -> anyhow::Result<String> {
    let body: serde_json::Value = serde_json::from_str(body)?;
    Ok(body["query"].as_str().unwrap_or_default().to_owned())
}

/// The benchmark's teams, without a network in between.
pub struct InMemory;

impl Upstream for InMemory {
    fn fetch<'a>(&'a self, load: Load<'a>) -> BoxFuture<'a, Result<FetchedRoster, UpstreamError>> {
        load.observer.called();
        let began = Instant::now();
        let (members, seed) = team::of_account(load.grant.account().email.as_str()).unwrap_or_default();
        let roster = upstream::decode([team::body(seed, members).as_bytes()]);
        async move { roster.map(|roster| FetchedRoster { roster, began }).map_err(Into::into) }.boxed()
    }
}
