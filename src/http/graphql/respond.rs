//! Responses to GraphQL requests: status, headers and bytes of the engine's result.

use axum::http::header::{ALLOW, CACHE_CONTROL};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::BytesMut;
use hyper::ext::ReasonPhrase;

use crate::config::Statuses;
use crate::graphql::{AnswerBody, Class, Code, GraphQlResponse};
use crate::http::response::error::envelope;
use crate::http::response::negotiate::MediaType;
use crate::http::response::status;
use crate::model::{BudgetShare, CacheTag};

const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Names what a response was made from, for CDNs.
const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
/// The longest of it, in bytes: half of what CDNs and proxies take of headers.
const CACHE_TAG_LIMIT: usize = 8 << 10;
/// Room for all headers that have figures, in bytes.
const HEADERS_LENGTH: usize = 128;

/// The response to one request.
pub(super) fn respond(answered: GraphQlResponse, media_type: MediaType, statuses: Statuses) -> Response<AnswerBody> {
    let status = match answered.class {
        Class::Executed => status::executed(answered.has_errors, media_type, statuses),
        Class::Invalid => status::refused(Code::ValidationFailed, media_type, statuses),
        Class::Refused(code) => status::refused(code, media_type, statuses),
    };
    let (cacheable_for, tags, share) = (cacheable_for(&answered), answered.cache_tags, answered.share);
    let mut response = envelope(status, media_type, answered.body);
    if status == status::PARTIAL_SUCCESS {
        // The library knows no words for it.
        response.extensions_mut().insert(ReasonPhrase::from_static(b"Partial Success"));
    }
    let mut text = BytesMut::new();
    open_to_caches(&mut response, cacheable_for, tags, &mut text);
    show_share(&mut response, share, &mut text);
    if answered.class == Class::Refused(Code::MethodNotAllowed) {
        // A mutation can be sent with no other method.
        allow(&mut response, "POST");
    }
    response
}

/// A batch is an array of answers, and always 200: each says for itself what became of it.
pub(super) fn respond_to_batch(answers: &[GraphQlResponse], media_type: MediaType) -> Response<AnswerBody> {
    let mut body = vec![b'['];
    for answer in answers {
        if body.len() > 1 {
            body.push(b',');
        }
        answer.body.pieces().for_each(|piece| body.extend_from_slice(piece));
    }
    body.push(b']');
    let mut response = envelope(StatusCode::OK, media_type, body.into());
    let tags = answers.iter().flat_map(|answer| answer.cache_tags.iter().copied()).collect();
    let mut text = BytesMut::new();
    open_to_caches(&mut response, answers.iter().map(cacheable_for).min().unwrap_or(0), tags, &mut text);
    let shares = answers.iter().filter_map(|answer| answer.share);
    show_share(&mut response, shares.min_by_key(|share| share.remaining), &mut text);
    response
}

/// Says which methods there are.
pub(super) fn allow<B>(response: &mut Response<B>, methods: &'static str) {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
}

/// Writes the rest of the caller's share of the upstream's plan (the IETF's `RateLimit` header fields).
fn show_share(response: &mut Response<AnswerBody>, share: Option<BudgetShare>, text: &mut BytesMut) {
    let Some(share) = share else { return };
    let policy = [("\"upstream\";q=", share.limit.into()), (";w=", share.window.as_secs())];
    let left = [("\"upstream\";r=", share.remaining.into()), (";t=", share.reset_seconds())];
    for (name, figures) in [(RATELIMIT_POLICY, policy), (RATELIMIT, left)] {
        insert(response, name, &figures, text);
    }
}

/// Sets a header to these words, each with a figure behind it. The headers of a response share the memory that `text` has.
fn insert(response: &mut Response<AnswerBody>, name: HeaderName, figures: &[(&str, u64)], text: &mut BytesMut) {
    if text.capacity() == 0 {
        text.reserve(HEADERS_LENGTH);
    }
    for (word, figure) in figures {
        text.extend_from_slice(word.as_bytes());
        text.extend_from_slice(itoa::Buffer::new().format(*figure).as_bytes());
    }
    if let Ok(value) = HeaderValue::from_maybe_shared(text.split().freeze()) {
        response.headers_mut().insert(name, value);
    }
}

/// For how many seconds an answer may be kept: not at all when there is an error or a stale roster in it.
fn cacheable_for(answer: &GraphQlResponse) -> u64 {
    if answer.class == Class::Executed && !answer.has_errors { answer.fresh_for.as_secs() } else { 0 }
}

/// Lets caches keep a response for so many seconds, under these names. Where there is no room for the names in a header, none may
/// keep it: none could drop it again.
fn open_to_caches(response: &mut Response<AnswerBody>, seconds: u64, mut tags: Vec<CacheTag>, text: &mut BytesMut) {
    tags.sort_unstable();
    tags.dedup();
    if seconds == 0 || tags.len() * (CacheTag::MAX_LENGTH + 1) > CACHE_TAG_LIMIT {
        return;
    }
    let tags = tags.iter().map(CacheTag::to_string).collect::<Vec<_>>().join(",");
    if let Ok(tags) = HeaderValue::try_from(tags) {
        insert(response, CACHE_CONTROL, &[("private, max-age=", seconds)], text);
        if !tags.is_empty() {
            response.headers_mut().insert(CACHE_TAG, tags);
        }
    }
}
