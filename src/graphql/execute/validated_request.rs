//! The validated request: what a request runs with, or why it does not run.

use std::sync::Arc;
use std::time::Duration;

use apollo_compiler::Node;
use apollo_compiler::executable::Operation;

use super::trace::TraceTimes;
use crate::compute::Ticket;
use crate::graphql::documents::Hash;
use crate::graphql::error::Code;
use crate::graphql::language::{CoercedVariables, DocumentError, DocumentErrors};
use crate::graphql::limits::{ArgumentSizes, repetition};
use crate::graphql::plan::operation_cache::PreparedDocument;
use crate::graphql::plan::plan::Plan;
use crate::graphql::request_error::RequestError;
use crate::model::Grants;

/// A request that may run.
pub(super) struct ValidatedRequest {
    pub(super) prepared: Arc<PreparedDocument>,
    pub(super) plan: Arc<Plan>,
    /// Whether it is answered by a stream.
    pub(super) is_subscription: bool,
    /// Under which hash to keep the document when it was executed.
    pub(super) keep: Option<Hash>,
    /// The variables, coerced as its operation declares them.
    pub(super) variables: CoercedVariables,
    /// Whether every condition has a value.
    pub(super) is_decided: bool,
    /// How much the plan's arguments ask for.
    pub(super) sizes: ArgumentSizes,
    pub(super) operation_name: Option<String>,
    pub(super) grants: Arc<dyn Grants>,
    pub(super) ticket: Ticket,
    pub(super) max_age: Option<Duration>,
    pub(super) show_cost: bool,
    /// The times of its stages, if its answer is to have a trace.
    pub(super) trace: Option<TraceTimes>,
}

impl ValidatedRequest {
    /// Whether the projection can write the answer.
    pub(super) fn is_projectable(&self) -> bool {
        self.is_decided && self.plan.is_projectable()
    }

    /// The operation that runs.
    pub(super) fn operation(&self) -> Option<&Node<Operation>> {
        self.prepared.document.operation(self.operation_name.as_deref())
    }

    /// How often it selects the same, at most.
    pub(super) fn repetition(&self) -> Option<usize> {
        let document = &self.prepared.document;
        self.operation().map(|operation| repetition(&operation.selection_set, &|name| document.fragment(name)))
    }

    /// Whether it may change something.
    pub(super) fn is_mutation(&self) -> bool {
        self.operation().is_some_and(|operation| operation.is_mutation())
    }
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

/// The error of a subscription that came where no stream is possible.
pub(super) fn needs_stream() -> RequestError {
    let message = "a subscription needs a stream: accept text/event-stream or multipart/mixed;subscriptionSpec=1.0, or use \
                   a WebSocket with graphql-transport-ws";
    RequestError { code: Code::BadRequest, message: message.to_owned() }
}
