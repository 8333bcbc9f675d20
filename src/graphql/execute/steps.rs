//! The steps of an answer, one by one: for benchmarks, so that a slower answer names the step that made it so.

use std::sync::Arc;

use async_graphql::Variables;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;

use super::coerce::Arguments;
use super::plan::Plan;
use super::project::{Terms, project};
use super::resolve::{Resolved, resolve};
use super::{Answer, Engine, Request, prepare};
use crate::graphql::limits::{self, Spent, Switches};

/// The steps that an engine takes.
pub struct Steps<'e>(&'e Engine);

/// A document, parsed.
pub struct Document(ExecutableDocument);

/// An operation with the rosters that it reads.
pub struct Question {
    plan: Arc<Plan>,
    resolved: Resolved,
    terms: Terms,
}

impl Engine {
    /// Its steps.
    #[must_use]
    pub fn steps(&self) -> Steps<'_> {
        Steps(self)
    }
}

impl Steps<'_> {
    /// The pre-check's first half: looks at every byte of the text.
    #[must_use]
    pub fn scan(&self, text: &str) -> bool {
        limits::check_text(text, &mut Spent::default(), &self.0.settings.graphql).is_ok()
    }

    /// Parses a text.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<Document> {
        parse_query(text).ok().map(Document)
    }

    /// The pre-check's second half: counts over the document.
    #[must_use]
    pub fn measure(&self, document: &Document) -> bool {
        let switches = Switches { introspection: false, service: false };
        let limits = &self.0.settings.graphql;
        limits::check_document(&document.0, &Variables::default(), switches, &mut Spent::default(), limits).is_ok()
    }

    /// Everything before an operation runs: from its text, or from what is kept of it.
    #[must_use]
    pub fn prepare(&self, request: Request) -> bool {
        self.0.prepare(request, &mut Spent::default()).is_ok()
    }

    /// Makes a plan of a document's only operation, which has no conditions.
    #[must_use]
    pub fn plan(&self, document: &Document) -> bool {
        let operation = prepare::operation(&document.0, None);
        operation.is_some_and(|operation| Plan::of(&document.0, operation, &|_| None).is_some())
    }

    /// A question with its rosters loaded; `None` where it is not one for the projection.
    pub async fn resolve(&self, request: Request) -> Option<Question> {
        let ready = self.0.prepare(request, &mut Spent::default()).ok()?;
        let plan = ready.prepared.plan(ready.operation_name.as_deref(), &ready.variables)?;
        let arguments = Arguments::of(&plan, &ready.variables)?;
        let session = self.0.session(ready.grants.clone(), ready.max_age);
        let resolved = session.loader.drive(resolve(&plan, arguments, &session)).await;
        let terms = Terms { contact: session.scopes().contact, pages: session.page_limits, limit: usize::MAX };
        Some(Question { plan, resolved, terms })
    }

    /// Writes a question's answer: the length of `data`.
    #[must_use]
    pub fn project(&self, question: &Question) -> usize {
        project(&question.plan, &question.resolved, question.terms, Answer::begin(0)).out.len()
    }
}
