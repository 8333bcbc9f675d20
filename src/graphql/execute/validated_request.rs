//! The validated request: everything that can be said of a request before anything is loaded for it, and what it runs with.
//!
//! What a document says itself is found at its first request and kept (`plan::operation_cache`); here is what depends on the
//! request: the sums of its batch, its variables, its method, and the least that it costs.

use std::sync::Arc;
use std::time::Duration;

use apollo_compiler::Node;
use apollo_compiler::ast::Definition;
use apollo_compiler::executable::Operation;
use async_graphql_value::ConstValue;

use super::engine::{Engine, Request};
use super::engine_document::EngineDocument;
use crate::compute::Ticket;
use crate::graphql::documents::{Hash, ResolvedDocument};
use crate::graphql::error::Code;
use crate::graphql::language::{CoercedVariables, DocumentError, DocumentErrors, scan};
use crate::graphql::limits::{
    self, ArgumentSize, IntrospectionSwitches, Measured, RequestTotals, SizeLimits, VariablesSize,
};
use crate::graphql::plan::operation_cache::PreparedDocument;
use crate::graphql::plan::plan::Plan;
use crate::graphql::request_error::RequestError;
use crate::model::Grants;

/// A request that may run.
pub(super) struct ValidatedRequest {
    pub(super) prepared: Arc<PreparedDocument>,
    pub(super) plan: Arc<Plan>,
    /// Under which hash to keep the document when it was executed.
    pub(super) keep: Option<Hash>,
    /// The variables, coerced as its operation declares them.
    pub(super) variables: CoercedVariables,
    /// How much the plan's arguments ask for.
    pub(super) sizes: Vec<ArgumentSize>,
    pub(super) operation_name: Option<String>,
    pub(super) grants: Arc<dyn Grants>,
    pub(super) ticket: Ticket,
    pub(super) max_age: Option<Duration>,
    pub(super) show_cost: bool,
}

/// Why a request does not run.
pub(super) enum Rejection {
    Request(RequestError),
    Document(DocumentErrors),
    /// Execution fails at once: there is data, which is null.
    Execution(DocumentError),
}

impl From<RequestError> for Rejection {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<DocumentErrors> for Rejection {
    fn from(errors: DocumentErrors) -> Self {
        Self::Document(errors)
    }
}

impl Engine {
    /// Everything that can be said of a request before it runs.
    pub(super) fn prepare(&self, request: Request, totals: &mut RequestTotals) -> Result<ValidatedRequest, Rejection> {
        let limits = &self.settings.graphql;
        let ResolvedDocument { text, keep } = self.documents.find(request.document)?;
        let known = self.operation_cache.get(&text);
        self.metrics.prepared(if known.is_some() { "hit" } else { "miss" });
        let switches = IntrospectionSwitches {
            introspection: limits.introspection,
            service: self.settings.federation.service && request.grants.is_router(),
        };
        let prepared = match known {
            Some(prepared) => {
                scan::check_tokens(prepared.document.tokens(), &mut totals.tokens, limits)?;
                prepared.measured.check(switches, &mut totals.measured, limits)?;
                prepared
            }
            None => self.prepare_document(text, request.queries_only, switches, totals)?,
        };
        let name = request.operation_name.as_deref();
        let operation = prepared.document.operation(name).ok_or_else(|| unresolved(name))?;
        if let Some(text) = request.variables.text() {
            VariablesSize::of(text).check(totals, limits)?;
        }
        let variables = prepared.document.coerce_variables(operation, request.variables.text())?;
        check_conditions(&prepared, operation, &variables)?;
        let size_limits = SizeLimits { terms: limits.filter_terms_limit };
        // A null decides nothing here: it has just been checked that no selection depends on one.
        let truth = |name: &str| variables.get(name).map(|value| *value == ConstValue::Boolean(true));
        let plan = prepared.plan(name, &truth, size_limits).ok_or_else(unplanned)?;
        let value = |name: &str| variables.get(name);
        let sizes = plan.arguments.sizes(&value, self.served_schema.schema(), size_limits);
        limits::check_arguments(&plan.arguments, &sizes, &plan.cost, totals, limits)?;
        let Request { operation_name, grants, ticket, max_age, show_cost, .. } = request;
        Ok(ValidatedRequest {
            prepared,
            plan,
            keep,
            variables,
            sizes,
            operation_name,
            grants,
            ticket,
            max_age,
            show_cost,
        })
    }

    fn prepare_document(
        &self,
        text: Arc<str>,
        queries_only: bool,
        switches: IntrospectionSwitches,
        totals: &mut RequestTotals,
    ) -> Result<Arc<PreparedDocument>, Rejection> {
        let limits = &self.settings.graphql;
        let tokens = scan::check_text(&text, &mut totals.tokens, limits)?;
        let parsed = self.served_schema.parse(text, tokens, limits.nesting_limit)?;
        // Any other operation is not valid here, which is less to the point.
        let is_query = |definition: &Definition| match definition {
            Definition::OperationDefinition(operation) => operation.operation_type.is_query(),
            _ => true,
        };
        if queries_only && !parsed.ast().definitions.iter().all(is_query) {
            let message = "only queries can be sent with GET and QUERY".to_owned();
            return Err(RequestError { code: Code::MethodNotAllowed, message }.into());
        }
        let measured = Measured::of(parsed.ast(), limits)?;
        measured.check(switches, &mut totals.measured, limits)?;
        Ok(Arc::new(PreparedDocument::new(parsed.validate()?, measured)))
    }
}

/// Rejects a request in which a variable that is null decides whether a selection is part of the operation.
fn check_conditions(
    prepared: &PreparedDocument,
    operation: &Node<Operation>,
    variables: &CoercedVariables,
) -> Result<(), Rejection> {
    let is_null = |name: &Box<str>| variables.get(name) == Some(&ConstValue::Null);
    if !prepared.conditions(operation).iter().any(is_null) {
        return Ok(());
    }
    // It may be in something that another condition leaves out.
    let document = &prepared.document;
    match EngineDocument::of(document, operation, variables) {
        Ok(_) => Ok(()),
        Err(error) => {
            let locations = vec![document.pos(error.location)];
            Err(Rejection::Execution(DocumentError { message: error.message, locations }))
        }
    }
}

fn unresolved(name: Option<&str>) -> RequestError {
    RequestError {
        code: Code::OperationResolutionFailure,
        message: match name {
            Some(_) => "the document has no operation of that name".to_owned(),
            None => "the document has several operations: `operationName` must say which".to_owned(),
        },
    }
}

/// Every query of a valid document can be planned; the schema has nothing else.
fn unplanned() -> RequestError {
    let message = "the service cannot execute this operation".to_owned();
    RequestError { code: Code::OperationResolutionFailure, message }
}
