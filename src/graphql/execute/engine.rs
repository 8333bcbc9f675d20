//! Execution: a request's text becomes an answer's bytes.
//!
//! The steps: find the document (`documents`) → scan its text → parse → measure → validate (`language`, `limits`) → plan, all of
//! it once for a text (`plan`). For each request: check its sums, its arguments and the least that it costs
//! (`prepare`) → load the rosters (`lookups`), or find the response to an identical request (`response_cache`) →
//! check what it costs over these rosters → write it by the plan (`project`) → write what is around it (`response`). An
//! operation that is not over plain data is executed by async-graphql. Whatever goes wrong has a code.

use super::response::{Class, GraphQlResponse, too_large};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Response;
use futures_util::FutureExt;

use super::announce;
use super::answer_tags::Tagging;
use super::arguments::Arguments;
use super::audited_operation::OperationSlot;
use super::executable_schema::{ExecutableSchema, respond_in};
use super::live::SharedSelections;
use super::loaded_request::{LoadedData, LoadedRequest};
use super::lookups::resolve;
use super::response_cache::ResponseCache;
use super::validated_request::{Rejection, ValidatedRequest, needs_stream};
use crate::graphql::language::{ServedSchema, Variables};
use crate::graphql::plan::operation_cache::OperationCache;
use crate::graphql::plan::personal_data::PersonalData;

use crate::compute::{ComputePool, Ticket};
use crate::config;
use crate::graphql::documents::Manifest;
use crate::graphql::documents::{Documents, Reference};
use crate::graphql::error::Code;
use crate::graphql::limits::{self, RequestTotals, RosterSize};
use crate::graphql::request_error::RequestError;
use crate::graphql::schema::ResponseMeter;
use crate::graphql::schema::Session;
use crate::loader::{LoaderFactory, LookupSummary};
use crate::model::{CacheTagKey, Cancellation, Grants, PageLimits};
use crate::telemetry::Metrics;

/// Reading, validating and planning a document that is longer, in bytes, is long work: a tenth of a millisecond or more.
const NEW_DOCUMENT: usize = 512;
/// So is what the values in a document come to that is longer than this, known or not.
const LONG_DOCUMENT: usize = 4 << 10;
/// So is coercing variables whose text is longer.
const LONG_VARIABLES: usize = 8 << 10;

/// One GraphQL request.
pub struct Request {
    /// The document: its text, its hash, or both.
    pub document: Reference,
    /// Which of its operations is meant, where it has several.
    pub operation_name: Option<String>,
    /// The variables, as they were sent: a JSON object in which no key comes twice.
    pub variables: Variables,
    /// Whether the answer tells what it was estimated to cost.
    pub show_cost: bool,
    /// Whether the answer is to have a trace (ftv1).
    pub trace: bool,
    /// How old a team may be, for a caller that asks for a younger one than usual.
    pub max_age: Option<Duration>,
    /// Whether only queries may run (GET).
    pub queries_only: bool,
    /// Where an audit log looks for its operation, where it is audited.
    pub audit: Option<OperationSlot>,
    /// The scopes of the caller.
    pub grants: Arc<dyn Grants>,
    /// Whose work it is, and how it is told to stop.
    pub ticket: Ticket,
}

/// The settings and stages that an engine is built from.
pub struct Settings {
    /// Limits and switches.
    pub graphql: config::GraphQlConfig,
    /// Documents that clients do not send.
    pub documents: config::DocumentsConfig,
    /// The trusted ones.
    pub manifest: Manifest,
    /// Whether, and for whom, the service is a subgraph.
    pub federation: config::FederationConfig,
    /// Whether permanent tokens are issued.
    pub tokens: config::TokensConfig,
}

/// Answers requests.
pub struct Engine {
    pub(super) schema: ExecutableSchema,
    pub(super) served_schema: ServedSchema,
    pub(super) documents: Documents,
    pub(super) operation_cache: OperationCache,
    pub(super) response_cache: ResponseCache,
    pub(super) settings: Settings,
    pub(super) loaders: LoaderFactory,
    pub(super) selections: SharedSelections,
    pub(super) metrics: Arc<Metrics>,
    pub(super) compute: ComputePool,
    /// How answers are tagged for caches in front of the service, where they are.
    pub(super) tagging: Option<Tagging>,
}

impl Engine {
    /// An engine whose requests load rosters with `loaders`.
    #[must_use]
    pub fn new(settings: Settings, loaders: LoaderFactory, metrics: Arc<Metrics>) -> Self {
        let schema = ExecutableSchema::new(&settings.federation, settings.tokens.enabled);
        let documents = Documents::new(&settings.documents, settings.manifest.clone());
        let operation_cache = OperationCache::new(settings.graphql.operation_cache_limit.as_u64());
        let response_cache = ResponseCache::new(settings.graphql.response_cache_limit.as_u64());
        let served_schema =
            ServedSchema::new(settings.federation.enabled, settings.tokens.enabled, settings.graphql.suggestions);
        let compute = ComputePool::beside_the_network(settings.graphql.compute_queue_limit);
        let selections = SharedSelections::default();
        Self {
            schema,
            served_schema,
            documents,
            operation_cache,
            response_cache,
            settings,
            loaders,
            selections,
            metrics,
            compute,
            tagging: None,
        }
    }

    /// The same, with answers that have cache tags made with this key.
    #[must_use]
    pub fn with_cache_tags(self, key: Arc<CacheTagKey>, settings: config::CacheTagsConfig) -> Self {
        Self { tagging: Some(Tagging { key, settings }), ..self }
    }

    /// The same, with what an audit log needs read before the first request does.
    #[must_use]
    pub fn with_audit(self) -> Self {
        PersonalData::prepare();
        self
    }

    /// The same, with a pool that others use as well.
    #[must_use]
    pub fn with_compute(self, compute: ComputePool) -> Self {
        Self { compute, ..self }
    }

    /// Where long work is done.
    #[must_use]
    pub fn compute(&self) -> &ComputePool {
        &self.compute
    }

    /// Whether the caller's credential is known to be good upstream.
    #[must_use]
    pub fn has_accepted(&self, grants: &dyn Grants) -> bool {
        self.loaders.has_accepted(grants.caller())
    }

    /// How many values the variables of a request may have.
    #[must_use]
    pub fn variable_nodes_limit(&self) -> usize {
        self.settings.graphql.variable_nodes_limit
    }

    /// Whether preparing a request with this document and these variables, as they were sent, is more work than a worker of the
    /// runtime should be held for. What was prepared before is not read again.
    #[must_use]
    pub fn is_long_to_prepare(&self, document: &Reference, variables: &Variables) -> bool {
        let is_long = |text: &str| {
            text.len() > LONG_DOCUMENT || text.len() > NEW_DOCUMENT && !self.operation_cache.contains(text)
        };
        variables.text_length() > LONG_VARIABLES
            || match &document.text {
                Some(text) => is_long(text),
                None => self.documents.named(document).is_some_and(|text| is_long(&text)),
            }
    }

    /// Answers one request. Never fails: what goes wrong is in the answer.
    pub async fn execute(&self, request: Request) -> GraphQlResponse {
        self.documents.fetch(&request.document).await;
        let mut totals = RequestTotals::default();
        match self.prepare(request, &mut totals) {
            Ok(request) => {
                announce::to_trace(&request);
                if request.is_subscription { self.refuse(needs_stream()) } else { self.run(request, totals).await }
            }
            Err(rejection) => self.reject(rejection),
        }
    }

    /// Answers a request that may run.
    pub(super) async fn run(&self, request: Box<ValidatedRequest>, mut totals: RequestTotals) -> GraphQlResponse {
        let mut loaded = self.load(request).await;
        match self.check_cost(&mut loaded, &mut totals) {
            Ok(()) => self.answer(loaded).await,
            Err(error) => self.refuse(error),
        }
    }

    /// Answers the requests of one body, side by side. The limits hold for their sum: a batch that exceeds one is rejected as
    /// a whole, and nothing of it is executed.
    ///
    /// # Errors
    /// The one answer to a batch that is rejected.
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
        let mut totals = RequestTotals::default();
        let mut prepared = Vec::with_capacity(requests.len());
        for request in requests {
            self.documents.fetch(&request.document).await;
            match self.prepare(request, &mut totals) {
                Err(Rejection::Request(error)) if error.is_limit() => return Err(self.refuse(error)),
                Ok(request) if request.is_mutation() => {
                    let message = "a mutation cannot be part of a batch".to_owned();
                    return Err(self.refuse(RequestError { code: Code::BatchingNotEnabled, message }));
                }
                Ok(request) if request.is_subscription => prepared.push(Err(needs_stream().into())),
                result => prepared.push(result),
            }
        }
        let loaded = prepared.into_iter().map(|prepared| async {
            match prepared {
                Ok(request) => Ok(self.load(request).await),
                Err(rejection) => Err(rejection),
            }
        });
        let mut loaded = futures_util::future::join_all(loaded).await;
        for loaded in loaded.iter_mut().flatten() {
            self.check_cost(loaded, &mut totals).map_err(|error| self.refuse(error))?;
        }
        let responses = loaded.into_iter().map(|loaded| async {
            match loaded {
                Ok(loaded) => self.answer(loaded).await,
                Err(rejection) => self.reject(rejection),
            }
        });
        let responses = futures_util::future::join_all(responses).await;
        let limit = self.settings.graphql.response_limit.as_u64();
        if responses.iter().map(|response| response.body.len() as u64).sum::<u64>() > limit {
            return Err(self.refuse(too_large(limit)));
        }
        Ok(responses)
    }

    pub(super) fn reject(&self, rejection: Rejection) -> GraphQlResponse {
        match rejection {
            Rejection::Request(error) => self.refuse(error),
            Rejection::Document(errors) => {
                self.metrics.refused(errors.code.name());
                GraphQlResponse::invalid(errors, self.settings.graphql.errors_limit)
            }
            Rejection::Execution(error) => GraphQlResponse::failed(error),
        }
    }

    pub(super) fn refuse(&self, error: RequestError) -> GraphQlResponse {
        self.metrics.refused(error.code.name());
        GraphQlResponse::refused(error)
    }

    /// Loads the rosters that a request reads, and looks for the response to an identical one.
    async fn load(&self, mut request: Box<ValidatedRequest>) -> LoadedRequest {
        let session = self.session(request.grants.clone(), request.max_age, request.ticket.cancellation());
        let data = AssertUnwindSafe(self.load_data(&request, &session)).catch_unwind().await;
        if let Some(times) = &mut request.trace {
            times.set_loaded();
        }
        LoadedRequest { request, session, data: data.unwrap_or(LoadedData::Panicked), cells: 0 }
    }

    async fn load_data(&self, request: &ValidatedRequest, session: &Arc<Session>) -> LoadedData {
        let projects = self.settings.graphql.projection && request.is_projectable();
        let (text, name) = (request.prepared.document.text(), request.operation_name.as_deref());
        // A trace is made from what the answer is made from.
        let cache_key = (projects && request.trace.is_none())
            .then(|| self.response_cache.cache_key(text, name, &request.variables, &*request.grants))
            .flatten();
        if let Some(cached) = cache_key.as_ref().and_then(|key| self.response_cache.get(key)) {
            let grants = cached.accounts.iter().map(|account| session.grant(account.clone())).collect();
            let loads = pin!(session.load_all(grants));
            if cached.is_of(&session.loader.run_with_batches(loads).await) {
                return LoadedData::Cached(cached);
            }
        }
        let document = &request.prepared.document;
        let arguments = Arguments::of(&request.plan, document, &request.variables, session);
        let resolved = pin!(resolve(&request.plan, arguments, session));
        let resolved = session.loader.run_with_batches(resolved).await;
        let projects = projects && !resolved.nulls_what_is_around(&request.plan);
        LoadedData::Resolved(resolved, cache_key, projects)
    }

    /// Rejects a request that costs too much over the rosters that were loaded for it.
    fn check_cost(&self, loaded: &mut LoadedRequest, totals: &mut RequestTotals) -> Result<(), RequestError> {
        let LoadedRequest { request, data, .. } = loaded;
        loaded.cells = match data {
            LoadedData::Cached(cached) => limits::check_cells(cached.cells, totals, &self.settings.graphql)?,
            LoadedData::Resolved(resolved, _, projects) => {
                let sizes = |root: usize, each: &mut dyn FnMut(usize, RosterSize)| resolved.sizes(root, each);
                let resolves = self.settings.graphql.projection && !*projects;
                let repetition = if resolves { request.repetition() } else { None };
                limits::check_cost(
                    &request.plan.cost,
                    &request.sizes,
                    &sizes,
                    repetition,
                    totals,
                    &self.settings.graphql,
                )?
            }
            LoadedData::Panicked => 0,
        };
        Ok(())
    }

    async fn answer(&self, loaded: LoadedRequest) -> GraphQlResponse {
        let (prepared, grants) = (loaded.request.prepared.clone(), loaded.request.grants.clone());
        let (text, keep) = (prepared.document.text().clone(), loaded.request.keep);
        let kind = match loaded.request.is_mutation() {
            true => "mutation",
            false if prepared.measured.introspects() => "introspection",
            false => "query",
        };
        let cells = loaded.cells;
        let execution = AssertUnwindSafe(self.write(loaded)).catch_unwind();
        let answer = execution.await.unwrap_or_else(|_| GraphQlResponse::panicked());
        if answer.class == Class::Executed {
            self.documents.keep(&text, keep);
            self.operation_cache.insert(&prepared, || self.loaders.has_accepted(grants.caller()));
        }
        answer.within(self.settings.graphql.response_limit.as_u64()).of_operation(kind, cells)
    }

    /// The engine's plain response, without limits and without our envelope: what the reference front serves.
    pub async fn respond(
        &self,
        request: async_graphql::Request,
        grants: Arc<dyn Grants>,
        max_age: Option<Duration>,
    ) -> (Response, Option<LookupSummary>) {
        let session = self.session(grants, max_age, &Cancellation::without_deadline());
        respond_in(&self.schema, request, session).await
    }

    pub(super) fn page_limits(&self) -> PageLimits {
        PageLimits { default: self.settings.graphql.page_default, max: self.settings.graphql.page_max }
    }

    pub(super) fn session(
        &self,
        grants: Arc<dyn Grants>,
        max_age: Option<Duration>,
        cancellation: &Cancellation,
    ) -> Arc<Session> {
        let loader = self.loaders.loader(max_age, cancellation.deadline());
        let page_limits = self.page_limits();
        let limit = usize::try_from(self.settings.graphql.response_limit.as_u64()).unwrap_or(usize::MAX);
        Session::new(grants, loader, page_limits, ResponseMeter::new(limit, cancellation.clone()))
    }
}
