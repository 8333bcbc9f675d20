//! Execution: a request's text becomes an answer's bytes.
//!
//! The steps: pre-check the text → parse → measure the document → validate and execute (async-graphql) together with the
//! loader's batches → write the answer. Whatever goes wrong on the way has a code.

mod answer;
mod variables;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{
    EmptyMutation, EmptySubscription, Name, Positioned, Response, Schema, SchemaBuilder, ServerError, Variables,
};
use futures_util::FutureExt;

pub use answer::{Answer, Class};

use super::error::Code;
use super::limits::{self, Refused, Switches};
use super::schema::{ApiRoot, Session, SubgraphRoot, build};
use crate::config;
use crate::loader::{Loader, Report};
use crate::model::{Grants, PageLimits};
use crate::roster::Rosters;
use crate::telemetry::Metrics;

/// One GraphQL request.
pub struct Request {
    /// The document.
    pub query: String,
    /// Which of its operations is meant, where it has several.
    pub operation_name: Option<String>,
    /// The variables, as JSON.
    pub variables: serde_json::Map<String, serde_json::Value>,
    /// Whether only queries may run (GET).
    pub queries_only: bool,
    /// What the caller may read.
    pub grants: Arc<dyn Grants>,
}

/// What an engine is built from.
pub struct Settings {
    /// Limits and switches.
    pub graphql: config::GraphQl,
    /// Whether, and for whom, the service is a subgraph.
    pub federation: config::Federation,
    /// Accounts looked up side by side for one request.
    pub loader_concurrency: usize,
}

/// Answers requests.
pub struct Engine {
    schema: AnySchema,
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
        Self { schema, settings, rosters, metrics }
    }

    /// Answers one request. Never fails: what goes wrong is in the answer.
    pub async fn execute(&self, request: Request) -> Answer {
        let (document, variables) = match self.prepare(&request) {
            Ok(prepared) => prepared,
            Err(refused) => {
                self.metrics.refused(refused.code.name());
                return Answer::refused(refused);
            }
        };
        let kind = if introspects(&document) { "introspection" } else { "query" };
        let mut inner = async_graphql::Request::new(request.query).variables(variables);
        inner.operation_name = request.operation_name;
        inner.set_parsed_query(document);
        self.metrics.executed("engine");
        let execution = self.respond(inner, request.grants);
        let answer = match AssertUnwindSafe(execution).catch_unwind().await {
            Ok((response, report)) => Answer::executed(response, report),
            Err(_) => Answer::panicked(),
        };
        answer.within(self.settings.graphql.response_limit.as_u64()).of_kind(kind)
    }

    /// The engine's plain response, without limits and without our envelope: what the reference front serves.
    pub async fn respond(
        &self,
        request: async_graphql::Request,
        grants: Arc<dyn Grants>,
    ) -> (Response, Option<Report>) {
        let concurrency = self.settings.loader_concurrency;
        let loader = Arc::new(Loader::new(self.rosters.clone(), concurrency, self.metrics.clone()));
        let page_limits =
            PageLimits { default: self.settings.graphql.page_default, max: self.settings.graphql.page_max };
        let request = request.data(Session { grants, loader: loader.clone(), page_limits });
        let response = loader.drive(self.schema.execute(request)).await;
        (response, loader.report())
    }

    /// Everything that can be said of a request before it runs.
    fn prepare(&self, request: &Request) -> Result<(ExecutableDocument, Variables), Refused> {
        let limits = &self.settings.graphql;
        limits::check_text(&request.query, limits)?;
        let document = parse_query(&request.query).map_err(|error| syntax(&error.into()))?;
        let variables = Variables::from_json(serde_json::Value::Object(request.variables.clone()));
        let switches = Switches {
            introspection: limits.introspection,
            service: self.settings.federation.service && request.grants.is_router(),
        };
        limits::check_document(&document, &variables, switches, limits)?;
        let operation = operation(&document, request.operation_name.as_deref())?;
        variables::check(&operation.node, &variables)?;
        if request.queries_only && operation.node.ty != OperationType::Query {
            return Err(Refused {
                code: Code::MethodNotAllowed,
                message: "only queries can be sent with GET".to_owned(),
            });
        }
        Ok((document, variables))
    }
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

/// The operation asked for.
fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Result<&'d Positioned<async_graphql::parser::types::OperationDefinition>, Refused> {
    let mut operations = document.operations.iter();
    let found = match name {
        Some(name) => operations.find(|(known, _)| known.map(Name::as_str) == Some(name)),
        None => operations.next().filter(|_| operations.next().is_none()),
    };
    found.map(|(_, operation)| operation).ok_or_else(|| Refused {
        code: Code::OperationResolutionFailure,
        message: match name {
            Some(_) => "the document has no operation of that name".to_owned(),
            None => "the document has several operations: `operationName` must say which".to_owned(),
        },
    })
}

fn introspects(document: &ExecutableDocument) -> bool {
    document.operations.iter().any(|(_, operation)| {
        operation.node.selection_set.node.items.iter().any(|item| match &item.node {
            async_graphql::parser::types::Selection::Field(field) => {
                matches!(field.node.name.node.as_str(), "__schema" | "__type")
            }
            _ => false,
        })
    })
}

/// The parser's finding in one line, without the excerpt of the document that it comes with.
fn syntax(error: &ServerError) -> Refused {
    let finding = error.message.lines().map(str::trim).rfind(|line| line.starts_with("= "));
    let place = error.locations.first();
    let mut message = "syntax error".to_owned();
    if let Some(place) = place {
        message.push_str(&format!(" at line {}, column {}", place.line, place.column));
    }
    if let Some(finding) = finding {
        message.push_str(": ");
        message.push_str(finding.trim_start_matches("= "));
    }
    Refused { code: Code::ParseFailed, message }
}
