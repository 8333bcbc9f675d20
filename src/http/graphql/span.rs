//! What the span of a request tells of GraphQL: the operation, and what became of it. Never a document, a variable or an account.

use crate::graphql::{GraphQlResponse, Reference};
use crate::http::response::error::HttpError;
use crate::telemetry::{SpanRecorder, Trace, attribute};

/// The longest name of an operation, in bytes.
const NAME_LIMIT: usize = 100;
/// The digits of a hash.
const HASH: usize = 64;

/// The documents of a request, where it names them by their hashes.
pub(in crate::http) fn documents<'d>(documents: impl Iterator<Item = &'d Reference>) {
    Trace::write(|span| {
        let hashes: Vec<&str> = documents.filter_map(hash).collect();
        if !hashes.is_empty() {
            span.set(attribute::DOCUMENT_HASH, hashes.join(","));
        }
    });
}

/// The answers to the requests of a body.
pub(in crate::http) fn answered(answers: &[GraphQlResponse]) {
    Trace::write(|span| {
        if let [answer] = answers {
            operation(span, answer);
        } else {
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

/// A subscription that has begun.
pub(in crate::http) fn subscribed() {
    Trace::write(|span| {
        span.name("subscription");
        span.set(attribute::OPERATION_TYPE, "subscription");
        span.set(attribute::OUTCOME, "ok");
    });
}

/// A request that was refused before it was one of GraphQL.
pub(in crate::http) fn refused(refusal: &HttpError) {
    Trace::write(|span| {
        span.set(attribute::OUTCOME, "refused");
        span.set(attribute::ERROR_TYPE, refusal.code.name());
    });
}

fn operation(span: &mut SpanRecorder<'_>, answer: &GraphQlResponse) {
    let kind = match answer.kind {
        "none" => return,
        "introspection" => "query",
        kind => kind,
    };
    // Names of operations are their clients', and there may be any number of them: the span's own is the kind.
    span.name(kind);
    span.set(attribute::OPERATION_TYPE, kind);
    if let Some(name) = &answer.operation_name {
        span.set(attribute::OPERATION_NAME, name.get(..NAME_LIMIT).unwrap_or(name).to_owned());
    }
}

/// The hash by which a client names a document. It is the client's text, so its form is checked.
fn hash(document: &Reference) -> Option<&str> {
    let id = document.id.as_deref().map(|id| id.strip_prefix("sha256:").unwrap_or(id));
    let hash = document.persisted.as_ref().map(|persisted| persisted.sha256_hash.as_str()).or(id)?;
    (hash.len() == HASH && hash.bytes().all(|b| b.is_ascii_hexdigit())).then_some(hash)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
