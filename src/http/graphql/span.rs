//! The GraphQL attributes of a request's span: the operation, and its outcome. Never a document, a variable or an account.

use crate::graphql::{GraphQlResponse, Reference};
use crate::http::request_id::RequestId;
use crate::http::response::error::HttpError;
use crate::http::streams::stream_outcome::StreamOutcome;
use crate::telemetry::{HeldSpan, Span, Trace, attribute};

/// The documents of a request, where it names them by their hashes.
pub(in crate::http) fn documents<'d>(documents: impl Iterator<Item = &'d Reference>) {
    Trace::write(|span| {
        let hashes: Vec<&str> = documents.filter_map(Reference::hash).collect();
        if !hashes.is_empty() {
            span.set(attribute::DOCUMENT_HASH, hashes.join(","));
        }
    });
}

/// The names of the documents of a request, as the log has them.
pub(in crate::http) fn names(names: impl FnOnce() -> String) {
    Trace::write(|span| span.set(attribute::DOCUMENT_NAMES, names()));
}

/// A request that came in a message of a WebSocket, which has the name of the request that became the socket.
pub(in crate::http) fn message(span: &Span, id: &RequestId) {
    span.write(|span| {
        span.set(attribute::PROTOCOL_NAME, "websocket");
        span.set(attribute::REQUEST_ID, id.text().to_owned());
    });
}

/// The answers to the requests of a body.
pub(in crate::http) fn answered(answers: &[GraphQlResponse]) {
    Trace::write(|span| {
        if answers.len() != 1 {
            span.set(attribute::BATCH_SIZE, count(answers.len()));
        }
        let worst = answers
            .iter()
            .map(GraphQlResponse::outcome)
            .max_by_key(|outcome| ["ok", "partial", "refused"].iter().position(|known| known == outcome));
        span.set(attribute::OUTCOME, worst.unwrap_or("refused"));
        span.set(attribute::COST, count(answers.iter().map(|answer| answer.cost).sum()));
        let summaries = || answers.iter().filter_map(|answer| answer.summary);
        if let Some(cache) = summaries().filter_map(|summary| summary.cache).max() {
            span.set(attribute::CACHE, cache.name());
        }
        if summaries().next().is_some() {
            let calls: u32 = summaries().map(|summary| summary.calls).sum();
            span.set(attribute::UPSTREAM_CALLS, i64::from(calls));
        }
        if let Some(failed) = answers.iter().find(|answer| answer.has_errors) {
            span.fail(failed.codes.first().copied());
        }
    });
}

/// Records the outcome of a subscription.
pub(in crate::http) fn ended(span: &HeldSpan, outcome: &StreamOutcome, reason: &'static str) {
    span.write(|span| {
        span.set(attribute::OUTCOME, outcome.word(reason));
        span.set(attribute::EVENTS, i64::try_from(outcome.events).unwrap_or(i64::MAX));
        span.set(attribute::ENDED, reason);
        if outcome.has_errors() {
            span.fail(outcome.codes.first().copied());
        }
    });
}

/// A request that was refused before it was one of GraphQL.
pub(in crate::http) fn refused(refusal: &HttpError) {
    Trace::write(|span| {
        span.set(attribute::OUTCOME, "refused");
        span.set(attribute::ERROR_TYPE, refusal.code.name());
    });
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
