//! Execution: a request's text becomes an answer's bytes.
//!
//! The steps: find the document (`documents`) → pre-check the text → parse → measure the document → validate (async-graphql)
//! → plan, all of it once for a text (`prepare`). Then, for each request: count it, substitute in its variables, estimate its cost
//! (`ready`) → take the data of an identical cache_key (`reuse`), or read the arguments (`coerce`), load the rosters (`resolve`)
//! and write it by the plan (`project`) → write what is around it (`answer`). An operation that is not over plain data is
//! executed by async-graphql. Whatever goes wrong on the way has a code.

use super::response::{Class, GraphQlResponse};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_graphql::{EmptyMutation, EmptySubscription, Response, Schema, SchemaBuilder, Variables};
use futures_util::FutureExt;

use super::arguments::Arguments;
use super::lookups::{Resolved, resolve};
use super::project::{ProjectionOptions, project};
use super::response_cache::ResponseCache;
use super::validated_request::ValidatedRequest;
use crate::graphql::plan::operation_cache::OperationCache;

use crate::config;
use crate::graphql::documents::Manifest;
use crate::graphql::documents::{Documents, Reference};
use crate::graphql::error::Code;
use crate::graphql::limits::RequestTotals;
use crate::graphql::request_error::RequestError;
use crate::graphql::schema::{ApiRoot, SubgraphRoot, build};
use crate::graphql::schema::{PreparedList, Session};
use crate::loader::{Loader, LookupSummary};
use crate::model::{Grants, PageLimits};
use crate::roster::Rosters;
use crate::telemetry::Metrics;

/// From so many cells and tests on an answer is written beside the runtime's workers.
pub(super) const OFFLOAD_THRESHOLD: usize = 8192;

/// One GraphQL request.
pub struct Request {
    /// The document: its text, its hash, or both.
    pub document: Reference,
    /// Which of its operations is meant, where it has several.
    pub operation_name: Option<String>,
    /// The variables, as they were sent.
    pub variables: Variables,
    /// Whether the answer tells what it was estimated to cost.
    pub show_cost: bool,
    /// How old a team may be, for a caller who asks for a younger one than usual.
    pub max_age: Option<Duration>,
    /// Whether only queries may run (GET).
    pub queries_only: bool,
    /// What the caller may read.
    pub grants: Arc<dyn Grants>,
}

/// What an engine is built from.
pub struct Settings {
    /// Limits and switches.
    pub graphql: config::GraphQlConfig,
    /// Documents that clients do not send.
    pub documents: config::DocumentsConfig,
    /// The trusted ones.
    pub manifest: Manifest,
    /// Whether, and for whom, the service is a subgraph.
    pub federation: config::FederationConfig,
    /// Accounts looked up side by side for one request.
    pub loader_concurrency: usize,
    /// The most members that a team can have.
    pub rows_limit: usize,
}

/// ResponseCache requests.
pub struct Engine {
    pub(super) schema: AnySchema,
    pub(super) documents: Documents,
    pub(super) operation_cache: OperationCache,
    pub(super) response_cache: ResponseCache,
    pub(super) settings: Settings,
    pub(super) rosters: Arc<Rosters>,
    pub(super) metrics: Arc<Metrics>,
}

/// The schema, alone or as a subgraph's.
pub(super) enum AnySchema {
    Api(Schema<ApiRoot, EmptyMutation, EmptySubscription>),
    Subgraph(Schema<SubgraphRoot, EmptyMutation, EmptySubscription>),
}

impl Engine {
    /// An engine that reads from `rosters`.
    #[must_use]
    pub fn new(settings: Settings, rosters: Arc<Rosters>, metrics: Arc<Metrics>) -> Self {
        let suggestions = settings.graphql.suggestions;
        let schema = if settings.federation.enabled {
            AnySchema::Subgraph(configure(build(), suggestions))
        } else {
            AnySchema::Api(configure(build(), suggestions))
        };
        let documents = Documents::new(&settings.documents, settings.manifest.clone());
        let operation_cache = OperationCache::new(settings.graphql.operation_cache_limit.as_u64());
        let response_cache = ResponseCache::new(settings.graphql.response_cache_limit.as_u64());
        Self { schema, documents, operation_cache, response_cache, settings, rosters, metrics }
    }

    /// Whether the caller's credential is known to be good upstream.
    #[must_use]
    pub fn has_accepted(&self, grants: &dyn Grants) -> bool {
        self.rosters.has_accepted(grants.caller())
    }

    /// ResponseCache one request. Never fails: what goes wrong is in the answer.
    pub async fn execute(&self, request: Request) -> GraphQlResponse {
        match self.prepare(request, &mut RequestTotals::default()) {
            Ok(prepared) => self.run(prepared).await,
            Err(refused) => self.refuse(refused),
        }
    }

    /// ResponseCache the requests of one body, side by side. The limits hold for their sum: the batch that goes past one is refused
    /// as a whole, and nothing of it runs.
    ///
    /// # Errors
    /// The one answer to a batch that is refused.
    pub async fn execute_batch(&self, requests: Vec<Request>) -> Result<Vec<GraphQlResponse>, GraphQlResponse> {
        let limit = self.settings.graphql.batch_limit;
        if limit < 2 || requests.is_empty() || requests.len() > limit {
            let message = if limit < 2 {
                "send one request in a body, not an array of them".to_owned()
            } else {
                format!("send 1 to {limit} requests in a body")
            };
            return Err(self.refuse(RequestError { code: Code::BatchingNotEnabled, message }));
        }
        let mut totals = RequestTotals::of_batch();
        let mut prepared = Vec::with_capacity(requests.len());
        for request in requests {
            match self.prepare(request, &mut totals) {
                Err(refused) if refused.is_limit() => return Err(self.refuse(refused)),
                result => prepared.push(result),
            }
        }
        let response_cache = prepared.into_iter().map(|prepared| async {
            match prepared {
                Ok(prepared) => self.run(prepared).await,
                Err(refused) => self.refuse(refused),
            }
        });
        let response_cache = futures_util::future::join_all(response_cache).await;
        let limit = self.settings.graphql.response_limit.as_u64();
        if response_cache.iter().map(|answer| answer.body.len() as u64).sum::<u64>() > limit {
            return Err(self.refuse(super::response::too_large(limit)));
        }
        Ok(response_cache)
    }

    fn refuse(&self, refused: RequestError) -> GraphQlResponse {
        self.metrics.refused(refused.code.name());
        GraphQlResponse::refused(refused)
    }

    async fn run(&self, ready: ValidatedRequest) -> GraphQlResponse {
        let kind = if ready.prepared.introspects { "introspection" } else { "query" };
        let execution = AssertUnwindSafe(self.answer(&ready)).catch_unwind();
        let answer = execution.await.unwrap_or_else(|_| GraphQlResponse::panicked());
        if answer.class == Class::Executed {
            self.documents.keep(&ready.prepared.text, ready.keep);
            if ready.is_new {
                self.operation_cache.keep(&ready.prepared);
            }
        }
        answer.within(self.settings.graphql.response_limit.as_u64()).of_kind(kind)
    }

    /// The answer by projection, or else by the engine.
    async fn answer(&self, ready: &ValidatedRequest) -> GraphQlResponse {
        if let Some(answer) = self.project(ready).await {
            return answer;
        }
        self.metrics.executed("engine");
        let request = ready.engine_request();
        // In boxes, where they are: they are large, and every request would carry their room with it.
        let (response, summary) = Box::pin(self.respond(request, ready.grants.clone(), ready.max_age)).await;
        GraphQlResponse::executed(response, summary, ready.cost, self.settings.graphql.errors_limit)
    }

    /// The answer to an operation over plain data; `None` for any other, and for one that the validator has something to say
    /// of.
    async fn project(&self, ready: &ValidatedRequest) -> Option<GraphQlResponse> {
        if !self.settings.graphql.projection {
            return None;
        }
        let session = self.session(ready.grants.clone(), ready.max_age);
        let (text, name) = (&ready.prepared.text, ready.operation_name.as_deref());
        let cache_key = self.response_cache.cache_key(text, name, &ready.variables, &*ready.grants);
        if let Some(cached) = cache_key.as_ref().and_then(|cache_key| self.response_cache.get(cache_key)) {
            let grants = cached.accounts.iter().map(|account| session.grant(account.clone())).collect();
            if cached.is_of(&session.loader.run_with_batches(session.load_all(grants)).await) {
                self.metrics.executed("response_cache");
                return Some(GraphQlResponse::reused(&cached.data, session.loader.summary(), ready.cost));
            }
        }
        let plan = ready.prepared.plan(name, &ready.variables)?;
        let arguments = Arguments::of(&plan, &ready.variables)?;
        if !ready.prepared.is_valid() {
            // Validates, and resolves nothing but introspection, of which there is none.
            let request = ready.engine_request().only_introspection();
            if !Box::pin(self.schema.execute(request)).await.errors.is_empty() {
                return None;
            }
            ready.prepared.set_valid();
        }
        let resolved = session.loader.run_with_batches(resolve(&plan, arguments, &session)).await;
        let summary = session.loader.summary();
        self.metrics.executed("projection");
        let limit = usize::try_from(self.settings.graphql.response_limit.as_u64()).unwrap_or(usize::MAX);
        let terms = ProjectionOptions { contact: session.scopes().contact, pages: session.page_limits, limit };
        let out = GraphQlResponse::begin(ready.prepared.length.load(Ordering::Relaxed));
        let long = is_long(ready.cells, &resolved);
        let job = move || (project(&plan, &resolved, terms, out), resolved);
        let (projected, resolved) = if long {
            // The runtime's workers have others to serve. What panics there is tried by the engine.
            tokio::task::spawn_blocking(job).await.ok()?
        } else {
            job()
        };
        ready.prepared.length.store(projected.out.len(), Ordering::Relaxed);
        if let Some(cache_key) = cache_key.filter(|_| projected.errors.is_empty()) {
            self.response_cache.keep(cache_key, &resolved, &projected.out);
        }
        Some(GraphQlResponse::projected(projected, summary, ready.cost))
    }

    /// The engine's plain response, without limits and without our envelope: what the reference front serves.
    pub async fn respond(
        &self,
        request: async_graphql::Request,
        grants: Arc<dyn Grants>,
        max_age: Option<Duration>,
    ) -> (Response, Option<LookupSummary>) {
        let session = self.session(grants, max_age);
        let loader = session.loader.clone();
        let response = loader.run_with_batches(self.schema.execute(request.data(session))).await;
        (response, loader.summary())
    }

    pub(super) fn session(&self, grants: Arc<dyn Grants>, max_age: Option<Duration>) -> Session {
        let concurrency = self.settings.loader_concurrency;
        let loader = Arc::new(Loader::new(self.rosters.clone(), concurrency, max_age, self.metrics.clone()));
        let page_limits =
            PageLimits { default: self.settings.graphql.page_default, max: self.settings.graphql.page_max };
        Session::new(grants, loader, page_limits)
    }
}

/// Whether writing the answer may take longer than about a millisecond.
fn is_long(cells: usize, resolved: &Resolved) -> bool {
    let members = resolved.views.iter().flatten().map(|view| view.roster.len()).max().unwrap_or(0);
    let terms: usize = resolved.lists.iter().flatten().map(PreparedList::term_count).sum();
    cells.saturating_add(members.saturating_mul(terms)) > OFFLOAD_THRESHOLD
}

impl AnySchema {
    async fn execute(&self, request: async_graphql::Request) -> Response {
        match self {
            Self::Api(schema) => schema.execute(request).await,
            Self::Subgraph(schema) => schema.execute(request).await,
        }
    }
}

fn configure<Root: async_graphql::ObjectType + 'static>(
    schema: SchemaBuilder<Root, EmptyMutation, EmptySubscription>,
    suggestions: bool,
) -> Schema<Root, EmptyMutation, EmptySubscription> {
    // Measured already, with fragments counted once; the engine's own walk spreads them.
    let schema = schema.limit_recursive_depth(usize::MAX);
    if suggestions { schema.finish() } else { schema.disable_suggestions().finish() }
}
