//! The steps of an answer, one by one: for benchmarks, so that a slower answer names the step that made it so.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::arguments::Arguments;
use super::engine::{Engine, Request};
use super::lookups::{Resolved, resolve};
use super::project::{ProjectionOptions, project};
use super::response::GraphQlResponse;
use crate::graphql::language::{Document, ParsedDocument, scan};
use crate::graphql::limits::{Measured, RequestTotals, SizeLimits};
use crate::graphql::plan::plan::Plan;
use crate::model::Cancellation;

/// The steps that an engine takes.
pub struct BenchSteps<'e>(&'e Engine);

/// A document, parsed.
pub struct BenchDocument(ParsedDocument);

/// A document, validated.
pub struct BenchValidDocument(Document);

/// An operation with the rosters that it reads.
pub struct BenchQuestion {
    plan: Arc<Plan>,
    resolved: Resolved,
    options: ProjectionOptions,
    length: AtomicUsize,
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
        scan::check_text(text, &mut 0, &self.0.settings.graphql).is_ok()
    }

    /// Parses a text.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<BenchDocument> {
        let nesting = self.0.settings.graphql.nesting_limit;
        self.0.served_schema.parse(text.into(), 0, nesting).ok().map(BenchDocument)
    }

    /// The pre-check's second half: counts over the document.
    #[must_use]
    pub fn measure(&self, document: &BenchDocument) -> bool {
        Measured::of(document.0.ast(), &self.0.settings.graphql).is_ok()
    }

    /// Validates a document.
    #[must_use]
    pub fn validate(&self, document: BenchDocument) -> Option<BenchValidDocument> {
        document.0.validate().ok().map(BenchValidDocument)
    }

    /// Everything before an operation runs: from its text, or from what is cached of it.
    #[must_use]
    pub fn prepare(&self, request: Request) -> bool {
        self.0.prepare(request, &mut RequestTotals::default()).is_ok()
    }

    /// Makes a plan of a document's only operation, which has no conditions.
    #[must_use]
    pub fn plan(&self, document: &BenchValidDocument) -> bool {
        let limits = SizeLimits { terms: self.0.settings.graphql.filter_terms_limit };
        let operation = document.0.operation(None);
        operation.is_some_and(|operation| Plan::of(&document.0, operation, &|_| None, limits).is_some())
    }

    /// A question with its rosters loaded; `None` where it is not one for the projection.
    pub async fn resolve(&self, request: Request) -> Option<BenchQuestion> {
        let request = self.0.prepare(request, &mut RequestTotals::default()).ok()?;
        let session = self.0.session(request.grants.clone(), request.max_age, request.ticket.cancellation());
        let arguments = Arguments::of(&request.plan, &request.prepared.document, &request.variables, &session);
        let resolved = session.loader.run_with_batches(pin!(resolve(&request.plan, arguments, &session))).await;
        let options =
            ProjectionOptions { contact: session.scopes().contact, pages: session.page_limits, limit: usize::MAX };
        Some(BenchQuestion { plan: request.plan, resolved, options, length: AtomicUsize::new(0) })
    }

    /// Writes a question's answer: the length of `data`.
    #[must_use]
    pub fn project(&self, question: &BenchQuestion) -> usize {
        // As long as the last answer, as for an operation that is kept.
        let out = GraphQlResponse::begin(question.length.load(Ordering::Relaxed));
        let never = Cancellation::without_deadline();
        let projected = project(&question.plan, &question.resolved, question.options, &never, out);
        let length = projected.map_or(0, |projected| projected.out.len());
        question.length.store(length, Ordering::Relaxed);
        length
    }
}
