//! Execution: a request's text becomes an answer's bytes.
//!
//! The steps: find the document (`documents`) → pre-check the text → parse → measure the document → validate (async-graphql)
//! → plan, all of it once for a text (`prepare`). Then, for each request: count it, fill in its variables, estimate its cost
//! (`ready`) → take the data of an identical question (`reuse`), or read the arguments (`coerce`), load the rosters (`resolve`)
//! and write it by the plan (`project`) → write what is around it (`answer`). An operation that is not over plain data is
//! executed by async-graphql. Whatever goes wrong on the way has a code.

mod answer;
mod coerce;
mod collect;
mod json;
mod plan;
mod planner;
mod prepare;
mod project;
mod ready;
mod resolve;
mod reuse;
mod steps;
mod typename;
mod variables;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_graphql::{EmptyMutation, EmptySubscription, Response, Schema, SchemaBuilder, Variables};
use futures_util::FutureExt;

pub use answer::{Answer, Class};
use coerce::Arguments;
use prepare::Library;
use project::{Terms, project};
use ready::Ready;
use resolve::{Resolved, resolve};
use reuse::Answers;
pub use steps::{Document, Question, Steps};

use super::documents::{Documents, Manifest, Reference};
use super::error::Code;
use super::limits::{Refused, Spent};
use super::schema::{ApiRoot, PreparedList, Session, SubgraphRoot, build};
use crate::config;
use crate::loader::{Loader, Report};
use crate::model::{Grants, PageLimits};
use crate::roster::Rosters;
use crate::telemetry::Metrics;

/// From so many cells and tests on an answer is written beside the runtime's workers.
const LONG: usize = 8192;

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
    pub graphql: config::GraphQl,
    /// Documents that clients do not send.
    pub documents: config::Documents,
    /// The trusted ones.
    pub manifest: Manifest,
    /// Whether, and for whom, the service is a subgraph.
    pub federation: config::Federation,
    /// Accounts looked up side by side for one request.
    pub loader_concurrency: usize,
    /// The most members that a team can have.
    pub rows_limit: usize,
}

/// Answers requests.
pub struct Engine {
    schema: AnySchema,
    documents: Documents,
    library: Library,
    answers: Answers,
    settings: Settings,
    rosters: Arc<Rosters>,
    metrics: Arc<Metrics>,
}

/// The schema, alone or as a subgraph's.
enum AnySchema {
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
        let library = Library::new(settings.graphql.prepared_limit.as_u64());
        let answers = Answers::new(settings.graphql.reuse_limit.as_u64());
        Self { schema, documents, library, answers, settings, rosters, metrics }
    }

    /// Whether the caller's credential is known to be good upstream.
    #[must_use]
    pub fn has_accepted(&self, grants: &dyn Grants) -> bool {
        self.rosters.has_accepted(grants.caller())
    }

    /// Answers one request. Never fails: what goes wrong is in the answer.
    pub async fn execute(&self, request: Request) -> Answer {
        match self.prepare(request, &mut Spent::default()) {
            Ok(prepared) => self.run(prepared).await,
            Err(refused) => self.refuse(refused),
        }
    }

    /// Answers the requests of one body, side by side. The limits hold for their sum: the batch that goes past one is refused
    /// as a whole, and nothing of it runs.
    ///
    /// # Errors
    /// The one answer to a batch that is refused.
    pub async fn execute_batch(&self, requests: Vec<Request>) -> Result<Vec<Answer>, Answer> {
        let limit = self.settings.graphql.batch_limit;
        if limit < 2 || requests.is_empty() || requests.len() > limit {
            let message = if limit < 2 {
                "send one request in a body, not an array of them".to_owned()
            } else {
                format!("send 1 to {limit} requests in a body")
            };
            return Err(self.refuse(Refused { code: Code::BatchingNotEnabled, message }));
        }
        let mut spent = Spent::of_batch();
        let mut prepared = Vec::with_capacity(requests.len());
        for request in requests {
            match self.prepare(request, &mut spent) {
                Err(refused) if refused.is_limit() => return Err(self.refuse(refused)),
                result => prepared.push(result),
            }
        }
        let answers = prepared.into_iter().map(|prepared| async {
            match prepared {
                Ok(prepared) => self.run(prepared).await,
                Err(refused) => self.refuse(refused),
            }
        });
        let answers = futures_util::future::join_all(answers).await;
        let limit = self.settings.graphql.response_limit.as_u64();
        if answers.iter().map(|answer| answer.body.len() as u64).sum::<u64>() > limit {
            return Err(self.refuse(answer::too_large(limit)));
        }
        Ok(answers)
    }

    fn refuse(&self, refused: Refused) -> Answer {
        self.metrics.refused(refused.code.name());
        Answer::refused(refused)
    }

    async fn run(&self, ready: Ready) -> Answer {
        let kind = if ready.prepared.introspects { "introspection" } else { "query" };
        let execution = AssertUnwindSafe(self.answer(&ready)).catch_unwind();
        let answer = execution.await.unwrap_or_else(|_| Answer::panicked());
        if answer.class == Class::Executed {
            self.documents.keep(&ready.prepared.text, ready.keep);
            if ready.is_new {
                self.library.keep(&ready.prepared);
            }
        }
        answer.within(self.settings.graphql.response_limit.as_u64()).of_kind(kind)
    }

    /// The answer by projection, or else by the engine.
    async fn answer(&self, ready: &Ready) -> Answer {
        if let Some(answer) = self.project(ready).await {
            return answer;
        }
        self.metrics.executed("engine");
        let request = ready.engine_request();
        // In boxes, where they are: they are large, and every request would carry their room with it.
        let (response, report) = Box::pin(self.respond(request, ready.grants.clone(), ready.max_age)).await;
        Answer::executed(response, report, ready.cost, self.settings.graphql.errors_limit)
    }

    /// The answer to an operation over plain data; `None` for any other, and for one that the validator has something to say
    /// of.
    async fn project(&self, ready: &Ready) -> Option<Answer> {
        if !self.settings.graphql.projection {
            return None;
        }
        let session = self.session(ready.grants.clone(), ready.max_age);
        let (text, name) = (&ready.prepared.text, ready.operation_name.as_deref());
        let question = self.answers.question(text, name, &ready.variables, &*ready.grants);
        if let Some(kept) = question.as_ref().and_then(|question| self.answers.get(question)) {
            let grants = kept.accounts.iter().map(|account| session.grant(account.clone())).collect();
            if kept.is_of(&session.loader.drive(session.load_all(grants)).await) {
                self.metrics.executed("reuse");
                return Some(Answer::reused(&kept.data, session.loader.report(), ready.cost));
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
        let resolved = session.loader.drive(resolve(&plan, arguments, &session)).await;
        let report = session.loader.report();
        self.metrics.executed("projection");
        let limit = usize::try_from(self.settings.graphql.response_limit.as_u64()).unwrap_or(usize::MAX);
        let terms = Terms { contact: session.scopes().contact, pages: session.page_limits, limit };
        let out = Answer::begin(ready.prepared.length.load(Ordering::Relaxed));
        let long = is_long(ready.cells, &resolved);
        let job = move || (project(&plan, &resolved, terms, out), plan, resolved);
        let (projected, plan, resolved) = if long {
            // The runtime's workers have others to serve. What panics there is tried by the engine.
            tokio::task::spawn_blocking(job).await.ok()?
        } else {
            job()
        };
        ready.prepared.length.store(projected.out.len(), Ordering::Relaxed);
        if let Some(question) = question.filter(|_| projected.errors.is_empty()) {
            self.answers.keep(question, &resolved, plan.cursors, &projected.out);
        }
        Some(Answer::projected(projected, report, ready.cost))
    }

    /// The engine's plain response, without limits and without our envelope: what the reference front serves.
    pub async fn respond(
        &self,
        request: async_graphql::Request,
        grants: Arc<dyn Grants>,
        max_age: Option<Duration>,
    ) -> (Response, Option<Report>) {
        let session = self.session(grants, max_age);
        let loader = session.loader.clone();
        let response = loader.drive(self.schema.execute(request.data(session))).await;
        (response, loader.report())
    }

    fn session(&self, grants: Arc<dyn Grants>, max_age: Option<Duration>) -> Session {
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
    let tests: usize = resolved.lists.iter().flatten().map(PreparedList::tests).sum();
    cells.saturating_add(members.saturating_mul(tests)) > LONG
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
