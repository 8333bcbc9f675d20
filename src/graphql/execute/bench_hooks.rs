//! The steps of an answer, one by one: for benchmarks, so that a slower answer names the step that made it so.

use std::sync::Arc;

use async_graphql::Variables;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;

use super::arguments::Arguments;
use super::engine::{Engine, Request};
use super::lookups::{Resolved, resolve};
use super::project::{ProjectionOptions, project};
use super::response::GraphQlResponse;
use crate::graphql::limits;
use crate::graphql::limits::{IntrospectionSwitches, RequestTotals};
use crate::graphql::plan::operation_cache;
use crate::graphql::plan::plan::Plan;

/// The steps that an engine takes.
pub struct BenchSteps<'e>(&'e Engine);

/// A document, parsed.
pub struct BenchDocument(ExecutableDocument);

/// An operation with the rosters that it reads.
pub struct BenchQuestion {
    plan: Arc<Plan>,
    resolved: Resolved,
    terms: ProjectionOptions,
}

impl Engine {
    /// Its steps.
    #[must_use]
    pub fn steps(&self) -> BenchSteps<'_> {
        BenchSteps(self)
    }
}

impl BenchSteps<'_> {
    /// The pre-check's first half: looks at every byte of the text.
    #[must_use]
    pub fn scan(&self, text: &str) -> bool {
        limits::check_text(text, &mut RequestTotals::default(), &self.0.settings.graphql).is_ok()
    }

    /// Parses a text.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<BenchDocument> {
        parse_query(text).ok().map(BenchDocument)
    }

    /// The pre-check's second half: counts over the document.
    #[must_use]
    pub fn measure(&self, document: &BenchDocument) -> bool {
        let switches = IntrospectionSwitches { introspection: false, service: false };
        let limits = &self.0.settings.graphql;
        limits::check_document(&document.0, &Variables::default(), switches, &mut RequestTotals::default(), limits)
            .is_ok()
    }

    /// Everything before an operation runs: from its text, or from what is cached of it.
    #[must_use]
    pub fn prepare(&self, request: Request) -> bool {
        self.0.prepare(request, &mut RequestTotals::default()).is_ok()
    }

    /// Makes a plan of a document's only operation, which has no conditions.
    #[must_use]
    pub fn plan(&self, document: &BenchDocument) -> bool {
        let operation = operation_cache::operation(&document.0, None);
        operation.is_some_and(|operation| Plan::of(&document.0, operation, &|_| None).is_some())
    }

    /// A question with its rosters loaded; `None` where it is not one for the projection.
    pub async fn resolve(&self, request: Request) -> Option<BenchQuestion> {
        let ready = self.0.prepare(request, &mut RequestTotals::default()).ok()?;
        let plan = ready.prepared.plan(ready.operation_name.as_deref(), &ready.variables)?;
        let arguments = Arguments::of(&plan, &ready.variables)?;
        let session = self.0.session(ready.grants.clone(), ready.max_age);
        let resolved = session.loader.run_with_batches(resolve(&plan, arguments, &session)).await;
        let terms =
            ProjectionOptions { contact: session.scopes().contact, pages: session.page_limits, limit: usize::MAX };
        Some(BenchQuestion { plan, resolved, terms })
    }

    /// Writes a question's answer: the length of `data`.
    #[must_use]
    pub fn project(&self, question: &BenchQuestion) -> usize {
        project(&question.plan, &question.resolved, question.terms, GraphQlResponse::begin(0)).out.len()
    }
}
