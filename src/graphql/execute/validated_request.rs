//! ValidatedRequest: everything that can be said of a request before it runs, and what it runs with.
//!
//! The document's own findings are those of its first request (`prepare`); here is what depends on the request: the sums of
//! its batch, its variables, its method, its cost.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::OperationType;
use async_graphql::{ServerError, Variables};
use async_graphql_value::ConstValue;

use super::arguments::complete;
use super::engine::{Engine, OFFLOAD_THRESHOLD, Request};
use super::response::ReportedCost;
use super::variables;
use crate::graphql::documents::{Hash, ResolvedDocument};
use crate::graphql::error::Code;
use crate::graphql::language::typename;
use crate::graphql::limits;
use crate::graphql::limits::RosterSize;
use crate::graphql::limits::{CostBounds, IntrospectionSwitches, RequestTotals};
use crate::graphql::plan::operation_cache;
use crate::graphql::plan::operation_cache::PreparedDocument;
use crate::graphql::request_error::RequestError;
use crate::graphql::schema::account_of;
use crate::model::Grants;

/// A request that may run.
pub(super) struct ValidatedRequest {
    pub(super) prepared: Arc<PreparedDocument>,
    /// Whether it was prepared for this request.
    pub(super) is_new: bool,
    /// Under which hash to keep the document when it turns out to be valid.
    pub(super) keep: Option<Hash>,
    /// The variables, as its operation declares them.
    pub(super) variables: Variables,
    pub(super) operation_name: Option<String>,
    pub(super) grants: Arc<dyn Grants>,
    pub(super) max_age: Option<Duration>,
    /// How many cells its answer may have.
    pub(super) cells: usize,
    /// The same, where the request wants to know.
    pub(super) cost: Option<ReportedCost>,
}

impl Engine {
    /// Everything that can be said of a request before it runs.
    pub(super) fn prepare(
        &self,
        request: Request,
        totals: &mut RequestTotals,
    ) -> Result<ValidatedRequest, RequestError> {
        let limits = &self.settings.graphql;
        let ResolvedDocument { text, keep } = self.documents.find(request.document)?;
        let known = self.operation_cache.get(&text);
        self.metrics.prepared(if known.is_some() { "hit" } else { "miss" });
        let is_new = known.is_none();
        let mut variables = request.variables;
        let switches = IntrospectionSwitches {
            introspection: limits.introspection,
            service: self.settings.federation.service && request.grants.is_router(),
        };
        let name = request.operation_name.as_deref();
        let prepared = match known {
            Some(prepared) => {
                limits::check_tokens(prepared.tokens, totals, limits)?;
                if let Some((_, operation)) = prepared.operation(name) {
                    variables = complete(operation, variables);
                }
                if !prepared.measured.spend_again(&variables, totals, limits) {
                    limits::check_document(&prepared.document, &variables, switches, totals, limits)?;
                }
                prepared
            }
            None => {
                let tokens = limits::check_text(&text, totals, limits)?;
                let mut document = parse_query(&*text).map_err(|error| syntax(&error.into()))?;
                if let Some(operation) = operation_cache::operation(&document, name) {
                    variables = complete(operation, variables);
                }
                let measured = limits::check_document(&document, &variables, switches, totals, limits)?;
                typename::rewrite(&mut document);
                Arc::new(PreparedDocument::new(text, document, tokens, measured))
            }
        };
        let (operation, definition) = prepared.operation(name).ok_or_else(|| unresolved(name))?;
        variables::check(definition, &variables)?;
        if request.queries_only && definition.ty != OperationType::Query {
            return Err(RequestError {
                code: Code::MethodNotAllowed,
                message: "only queries can be sent with GET".to_owned(),
            });
        }
        let known = |account: Option<&ConstValue>| self.known(account, &*request.grants);
        // What is told, or is added to others', is worked out as well as it can be.
        let enough = if request.show_cost || totals.is_of_batch() { 0 } else { OFFLOAD_THRESHOLD };
        let sizes = CostBounds { known: &known, largest: self.settings.rows_limit, enough };
        let cells = limits::check_cost(&operation.cost, &variables, sizes, totals, limits)?;
        let cost = request.show_cost.then_some(ReportedCost { estimated: cells, limit: limits.cost_limit });
        let Request { operation_name, grants, max_age, .. } = request;
        Ok(ValidatedRequest { cells, cost, keep, is_new, prepared, variables, operation_name, grants, max_age })
    }

    /// What is known of the roster that a request would read, without reading it.
    fn known(&self, account: Option<&ConstValue>, grants: &dyn Grants) -> RosterSize {
        let account = match account {
            None => Some(None),
            Some(value) => account_of(value).map(Some),
        };
        let size =
            account.and_then(|account| grants.grant(account).ok()).and_then(|grant| self.rosters.known_size(&grant));
        RosterSize { members: size.map(|(members, _)| members), roles: size.map(|(_, roles)| roles) }
    }
}

impl ValidatedRequest {
    pub(super) fn engine_request(&self) -> async_graphql::Request {
        let mut request = async_graphql::Request::new(&*self.prepared.text).variables(self.variables.clone());
        request.operation_name.clone_from(&self.operation_name);
        request.set_parsed_query(self.prepared.document.clone());
        request
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

/// The parser's finding in one line, without the excerpt of the document that it comes with.
fn syntax(error: &ServerError) -> RequestError {
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
    RequestError { code: Code::ParseFailed, message }
}
