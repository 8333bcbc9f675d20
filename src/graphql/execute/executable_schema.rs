//! The schema as async-graphql executes it: the reference for what the projection writes, and the way for operations that are
//! not over plain data.

use std::pin::pin;
use std::sync::Arc;

use async_graphql::{Response, Schema, SchemaBuilder, ValidationMode, Value};

use super::engine_document::EngineDocument;
use super::introspection::{Introspected, asks_of_schema, introspect, merge};
use super::response::{Beside, GraphQlResponse, too_large};
use super::trace::Tracing;
use crate::config::FederationConfig;
use crate::graphql::language::CoercedVariables;
use crate::graphql::plan::operation_cache::PreparedDocument;
use crate::graphql::schema::{ApiRoot, Mutation, ServedSdl, Session, SubgraphRoot, Subscription, build};
use crate::loader::LookupSummary;

/// The schema, alone or as a subgraph's.
#[derive(Clone)]
pub(super) enum ExecutableSchema {
    Api(Schema<ApiRoot, Mutation, Subscription>),
    Subgraph(Schema<SubgraphRoot, Mutation, Subscription>),
}

impl ExecutableSchema {
    pub(super) fn new(federation: &FederationConfig, tokens: bool) -> Self {
        if federation.enabled {
            Self::Subgraph(configure(build().data(ServedSdl::new(federation.clone(), tokens))))
        } else {
            Self::Api(configure(build()))
        }
    }

    async fn execute(&self, request: async_graphql::Request) -> Response {
        match self {
            Self::Api(schema) => schema.execute(request).await,
            Self::Subgraph(schema) => schema.execute(request).await,
        }
    }
}

fn configure<Root: async_graphql::ObjectType + 'static>(
    schema: SchemaBuilder<Root, Mutation, Subscription>,
) -> Schema<Root, Mutation, Subscription> {
    // Documents are measured and valid; the engine's own walks would judge them a second time, and by other rules.
    schema.limit_recursive_depth(usize::MAX).validation_mode(ValidationMode::Fast).disable_suggestions().finish()
}

/// The engine's plain response.
pub(super) async fn respond_in(
    schema: &ExecutableSchema,
    request: async_graphql::Request,
    session: Arc<Session>,
) -> (Response, Option<LookupSummary>) {
    let execution = pin!(schema.execute(request.data(session.clone())));
    let response = session.loader.run_with_batches(execution).await;
    (response, session.loader.summary())
}

/// The answer by async-graphql, and by the typed schema where that is asked about; at most `limit` bytes of it.
pub(super) async fn execute_by_engine(
    schema: ExecutableSchema,
    prepared: Arc<PreparedDocument>,
    variables: CoercedVariables,
    operation_name: Option<String>,
    session: Arc<Session>,
    (beside, tracing): (Beside, Option<Arc<Tracing>>),
    limit: u64,
) -> GraphQlResponse {
    let document = &prepared.document;
    let Some(operation) = document.operation(operation_name.as_deref()) else {
        return GraphQlResponse::panicked();
    };
    let EngineDocument { document: engine_document, failures, has_fields } =
        EngineDocument::of(document, operation, &variables);
    let (mut response, summary) = if has_fields {
        let mut engine_request = async_graphql::Request::new("");
        engine_request.set_parsed_query(engine_document);
        respond_in(&schema, engine_request, session.clone()).await
    } else {
        (Response::new(Value::Object(Default::default())), session.loader.summary())
    };
    if session.meter.is_exceeded() {
        return GraphQlResponse::refused(too_large(limit));
    }
    failures.apply(document, operation, &variables, &mut response);
    if asks_of_schema(document, operation) {
        let Introspected { data, errors } = introspect(document, operation, &variables);
        response.errors.extend(errors);
        response.data = match (data, response.data) {
            (Some(fields), Value::Object(executed)) => merge(document, operation, &variables, fields, executed),
            _ => Value::Null,
        };
    }
    let beside = Beside { summary, ..beside };
    GraphQlResponse::executed(response, beside, tracing.as_deref(), limit).of_rows(session.meter.rows())
}
