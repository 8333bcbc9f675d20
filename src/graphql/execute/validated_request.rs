//! The validated request: everything that can be said of a request before anything is loaded for it, and what it runs with.
//!
//! What a document says itself is found at its first request and kept (`plan::operation_cache`); here is what depends on the
//! request: the sums of its batch, its variables, its method, and the least that it costs.

use std::sync::Arc;
use std::time::Duration;

use apollo_compiler::ast::Definition;
use async_graphql_value::ConstValue;

use super::engine::{Engine, Request};
use crate::graphql::documents::{Hash, ResolvedDocument};
use crate::graphql::error::Code;
use crate::graphql::language::{CoercedVariables, DocumentErrors, scan};
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
    /// The variables, as its operation declares them.
    pub(super) variables: CoercedVariables,
    /// How much the plan's arguments ask for.
    pub(super) sizes: Vec<ArgumentSize>,
    pub(super) operation_name: Option<String>,
    pub(super) grants: Arc<dyn Grants>,
    pub(super) max_age: Option<Duration>,
    pub(super) show_cost: bool,
}

/// Why a request does not run.
pub(super) enum Rejection {
    Request(RequestError),
    Document(DocumentErrors),
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
                scan::check_tokens(prepared.document.tokens(), totals, limits)?;
                prepared.measured.check(switches, totals, limits)?;
                prepared
            }
            None => self.prepare_document(text, request.queries_only, switches, totals)?,
        };
        let name = request.operation_name.as_deref();
        let operation = prepared.document.operation(name).ok_or_else(|| unresolved(name))?;
        let sent =
            (!request.variables.is_empty()).then(|| serde_json::to_string(&request.variables).unwrap_or_default());
        if let Some(text) = &sent {
            VariablesSize::of(text).check(totals, limits)?;
        }
        let variables = prepared.document.coerce_variables(operation, sent.as_deref())?;
        let size_limits = SizeLimits { terms: limits.filter_terms_limit };
        let truths = |name: &str| match variables.get(name) {
            Some(ConstValue::Boolean(value)) => Some(*value),
            _ => None,
        };
        let plan = prepared.plan(name, &truths, size_limits).ok_or_else(unplanned)?;
        let value = |name: &str| variables.get(name);
        let sizes = plan.arguments.sizes(&value, self.served_schema.schema(), size_limits);
        limits::check_arguments(&plan.arguments, &sizes, &plan.cost, totals, limits)?;
        let Request { operation_name, grants, max_age, show_cost, .. } = request;
        Ok(ValidatedRequest { prepared, plan, keep, variables, sizes, operation_name, grants, max_age, show_cost })
    }

    fn prepare_document(
        &self,
        text: Arc<str>,
        queries_only: bool,
        switches: IntrospectionSwitches,
        totals: &mut RequestTotals,
    ) -> Result<Arc<PreparedDocument>, Rejection> {
        let limits = &self.settings.graphql;
        let tokens = scan::check_text(&text, totals, limits)?;
        let parsed = self.served_schema.parse(text, tokens, limits.nesting_limit)?;
        // Any other operation is not valid here, which is less to the point.
        let is_query = |definition: &Definition| match definition {
            Definition::OperationDefinition(operation) => operation.operation_type.is_query(),
            _ => true,
        };
        if queries_only && !parsed.ast().definitions.iter().all(is_query) {
            let message = "only queries can be sent with GET".to_owned();
            return Err(RequestError { code: Code::MethodNotAllowed, message }.into());
        }
        let measured = Measured::of(parsed.ast(), limits)?;
        measured.check(switches, totals, limits)?;
        Ok(Arc::new(PreparedDocument::new(parsed.validate()?, measured)))
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

/// Every operation of a valid document can be planned, once the variables of its conditions are Booleans.
fn unplanned() -> RequestError {
    let message = "a variable that decides what is skipped or included is not a Boolean".to_owned();
    RequestError { code: Code::BadUserInput, message }
}
