//! Preparation: a request is validated, and checked against the limits, before anything is loaded for it.
//!
//! The properties of a document are found at its first request and kept (`plan::operation_cache`); what depends on the
//! request is checked each time: the sums of its batch, its variables, its method, its arguments and the least that it
//! costs.

use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::ast::Definition;
use apollo_compiler::executable::Operation;
use async_graphql_value::ConstValue;

use super::announce;
use super::engine::{Engine, Request};
use super::trace::TraceTimes;
use super::validated_request::{Rejection, ValidatedRequest};
use crate::graphql::documents::{ResolvedDocument, SharedDocuments, not_listed};
use crate::graphql::error::Code;
use crate::graphql::language::{CoercedVariables, DocumentError, scan};
use crate::graphql::limits::{self, IntrospectionSwitches, Measured, RequestTotals, SizeLimits};
use crate::graphql::plan::collect::Collector;
use crate::graphql::plan::operation_cache::PreparedDocument;
use crate::graphql::request_error::RequestError;

impl Engine {
    /// The same, with the registered documents that other replicas know.
    #[must_use]
    pub fn with_shared_documents(mut self, shared: Arc<dyn SharedDocuments>) -> Self {
        self.documents = self.documents.shared_by(shared);
        self
    }

    /// Everything that can be said of a request before it runs.
    pub(super) fn prepare(
        &self,
        request: Request,
        totals: &mut RequestTotals,
    ) -> Result<Box<ValidatedRequest>, Rejection> {
        let limits = &self.settings.graphql;
        let trace = request.trace.then(TraceTimes::start);
        let ResolvedDocument { text, keep, trusted } = self.documents.find(request.document)?;
        let known = self.operation_cache.get(&text);
        self.metrics.prepared(if known.is_some() { "hit" } else { "miss" });
        let switches = IntrospectionSwitches {
            introspection: limits.introspection,
            // Without federation the schema has no such field, which validation reports.
            service: !self.settings.federation.enabled
                || (self.settings.federation.service && request.grants.is_router()),
        };
        let prepared = match known {
            Some(prepared) => {
                scan::check_tokens(prepared.document.tokens(), &mut totals.tokens, limits)?;
                prepared.measured.check(switches, &mut totals.measured, limits)?;
                prepared
            }
            None => self.prepare_document(text.into(), request.queries_only, switches, totals)?,
        };
        let name = request.operation_name.as_deref();
        let operation = prepared.document.operation(name).ok_or_else(|| unresolved(name))?;
        // A subscription changes nothing, and is refused later where no stream is asked for.
        if operation.is_mutation() {
            if request.queries_only {
                return Err(not_a_query().into());
            }
            // What only logs unlisted documents lets them read, and nothing else.
            if !trusted {
                return Err(not_listed().into());
            }
        }
        request.variables.size().check(totals, limits)?;
        let variables = prepared.document.coerce_variables(operation, request.variables.text())?;
        let size_limits = SizeLimits { terms: limits.filter_terms_limit };
        // What depends on a null is no work: it fails.
        let truth = |name: &str| variables.get(name).map(|value| *value == ConstValue::Boolean(true));
        let plan = prepared.plan(name, &truth, size_limits).ok_or_else(unplanned)?;
        let value = |name: &str| variables.given(name);
        let sizes = plan.arguments.sizes(&value, self.served_schema.schema(), size_limits);
        limits::check_arguments(&plan.arguments, &sizes, &plan.cost, totals, limits)?;
        let sent = prepared.document.text().len() + request.variables.text_length();
        limits::check_mentions(&plan.arguments, &value, &sizes, sent, totals, limits)?;
        let is_decided = is_decided(&prepared, operation, &variables)?;
        let is_subscription = operation.is_subscription();
        let Request { operation_name, grants, ticket, max_age, show_cost, audit, .. } = request;
        let federation = &self.settings.federation;
        let may_trace = federation.enabled && federation.trace_nodes_limit > 0 && grants.is_router();
        let request = Box::new(ValidatedRequest {
            prepared,
            plan,
            is_subscription,
            keep,
            variables,
            is_decided,
            sizes,
            operation_name,
            grants,
            ticket,
            max_age,
            show_cost,
            trace: trace.filter(|_| may_trace),
        });
        announce::to_audit(&request, audit.as_ref());
        Ok(request)
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
        // A subscription is refused where no stream is asked for.
        let is_query = |definition: &Definition| match definition {
            Definition::OperationDefinition(operation) => !operation.operation_type.is_mutation(),
            _ => true,
        };
        if queries_only && !parsed.ast().definitions.iter().all(is_query) {
            return Err(not_a_query().into());
        }
        let measured = Measured::of(parsed.ast(), limits)?;
        measured.check(switches, &mut totals.measured, limits)?;
        Ok(Arc::new(PreparedDocument::new(parsed.validate()?, measured)))
    }
}

/// Whether no variable is null that decides whether a selection is part of the operation. Below a field such a one is an
/// error of that field, which the projection does not know.
///
/// # Errors
/// It decides about a root field, so there is nothing to execute.
fn is_decided(
    prepared: &PreparedDocument,
    operation: &Node<Operation>,
    variables: &CoercedVariables,
) -> Result<bool, Rejection> {
    let truths = |name: &str| variables.truth(name);
    if prepared.conditions(operation).iter().all(|name| truths(name).is_some()) {
        return Ok(true);
    }
    let document = &prepared.document;
    match Collector::new(document, &truths).fields(&[&operation.selection_set], operation.object_type()) {
        Ok(_) => Ok(false),
        Err(error) => {
            let locations = vec![document.pos(error.location)];
            Err(Rejection::Execution(DocumentError { message: error.message, locations }))
        }
    }
}

fn not_a_query() -> RequestError {
    let message = "only queries can be sent with GET and QUERY".to_owned();
    RequestError { code: Code::MethodNotAllowed, message }
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

/// Every query and mutation of a valid document can be planned; the schema has nothing else.
fn unplanned() -> RequestError {
    let message = "the service cannot execute this operation".to_owned();
    RequestError { code: Code::OperationResolutionFailure, message }
}
