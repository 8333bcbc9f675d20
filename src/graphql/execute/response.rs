//! The answer: its bytes, and what the transport needs to know of it.

use std::time::Duration;

use async_graphql::{ErrorExtensionValues, PathSegment, Response, ServerError, Value};
use bytes::Bytes;

use super::answer_body::AnswerBody;
use super::answer_errors::AnswerErrors;
use super::answer_tags::TagsBeside;
use super::extensions::{AnswerExtensions, ReportedCost};
use super::project::Projected;
use super::trace::Tracing;
use crate::compute::{ComputeError, ReservedRoom, Ticket};
use crate::graphql::error::Code;
use crate::graphql::language::{DocumentError, DocumentErrors};
use crate::graphql::request_error::RequestError;
use crate::loader::LookupSummary;
use crate::model::{BudgetShare, CacheTag};

/// The longest message of the engine's, in bytes.
const MESSAGE_LIMIT: usize = 300;

/// The most room that is made for an answer before anything of it is written, in bytes.
const FIRST_ROOM: usize = 64 << 10;

/// More than what is around the data of an answer without errors, in bytes.
const AROUND: usize = 256;

/// The beginning of an answer with data.
const DATA: &[u8] = b"{\"data\":";

/// The data of an answer that begins as [`GraphQlResponse::begin`] has it, and of which nothing else is written yet.
pub(super) fn data_of(out: &[u8]) -> &[u8] {
    out.strip_prefix(DATA).unwrap_or_default()
}

/// The response of a request.
#[derive(Debug)]
pub struct GraphQlResponse {
    /// The response, as JSON.
    pub body: AnswerBody,
    /// The outcome of the request.
    pub class: Class,
    /// Whether there is any error in it.
    pub has_errors: bool,
    /// How long it may be cached: as long as every roster in it is fresh. Zero when one is not.
    pub fresh_for: Duration,
    /// The names of what it was made from, for the header of CDNs; none where there is to be no header.
    pub cache_tags: Vec<CacheTag>,
    /// The rest of the caller's share of the upstream's plan, if a team was asked for.
    pub share: Option<BudgetShare>,
    /// `query`, `mutation`, `introspection`, or `none` when nothing ran.
    pub kind: &'static str,
    /// How many members are in it, each as often as it is there.
    pub rows: usize,
    /// The codes of its errors, each once.
    pub codes: Vec<&'static str>,
    /// Its cost, in cells.
    pub cost: usize,
    /// The summary of its look-ups.
    pub summary: Option<LookupSummary>,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It was executed: there is data.
    Executed,
    /// Validation or variables were wrong: there is no data.
    Invalid,
    /// It is no GraphQL, or a limit or a switch refused it.
    Refused(Code),
}

/// The parts of an executed operation's answer beside its data.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) summary: Option<LookupSummary>,
    pub(super) cost: Option<ReportedCost>,
    /// The trace.
    pub(super) ftv1: Option<String>,
    /// The cache tags.
    pub(super) tags: Option<TagsBeside>,
}

impl GraphQlResponse {
    /// The outcome of its request, in a word: `ok`, `partial` or `refused`.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match (self.class, self.has_errors) {
            (Class::Executed, false) => "ok",
            (Class::Executed, true) => "partial",
            (Class::Invalid | Class::Refused(_), _) => "refused",
        }
    }

    pub(super) fn refused(refused: RequestError) -> Self {
        let class = match refused.code {
            Code::ValidationFailed | Code::OperationResolutionFailure | Code::BadUserInput => Class::Invalid,
            code => Class::Refused(code),
        };
        let mut error = ServerError::new(refused.message, None);
        set_code(&mut error, refused.code);
        Self::new(b"{".to_vec().into(), &AnswerErrors::of(&[error]), Beside::default(), class)
    }

    /// The refusal of a document that is not valid.
    pub(super) fn invalid(errors: DocumentErrors, errors_limit: usize) -> Self {
        let code = errors.code;
        let error = |error: DocumentError| {
            let mut message = error.message;
            shorten(&mut message);
            let mut error = ServerError { locations: error.locations, ..ServerError::new(message, None) };
            set_code(&mut error, code);
            error
        };
        let errors: Vec<_> = errors.errors.into_iter().take(errors_limit).map(error).collect();
        let class = if code == Code::ParseFailed { Class::Refused(code) } else { Class::Invalid };
        Self::new(b"{".to_vec().into(), &AnswerErrors::of(&errors), Beside::default(), class)
    }

    /// Work for it was not done, or not to its end.
    pub(super) fn not_computed(error: ComputeError) -> Self {
        match error {
            ComputeError::Full => {
                let message = "too much work is waiting".to_owned();
                Self::refused(RequestError { code: Code::RequestConcurrencyLimited, message })
            }
            ComputeError::Cancelled => {
                let message = "request timed out".to_owned();
                Self::refused(RequestError { code: Code::RequestTimeout, message })
            }
            ComputeError::Panicked => Self::panicked(),
        }
    }

    /// There is no room for it.
    pub(super) fn crowded() -> Self {
        Self::refused(RequestError::crowded())
    }

    /// The answer, which takes room of this ticket's from now on; a refusal where there is none left.
    pub(super) fn in_room_of(self, ticket: &Ticket) -> Self {
        match ticket.reserve(self.body.len()) {
            Some(room) => self.in_room(room),
            None => Self::crowded(),
        }
    }

    pub(super) fn in_room(self, room: ReservedRoom) -> Self {
        Self { body: self.body.in_room(room), ..self }
    }

    pub(super) fn panicked() -> Self {
        let mut error = ServerError::new("internal server error", None);
        set_code(&mut error, Code::Internal);
        Self::new(b"{\"data\":null".to_vec().into(), &AnswerErrors::of(&[error]), Beside::default(), Class::Executed)
    }

    /// An operation that failed as a whole once it was executed.
    pub(super) fn failed(error: DocumentError) -> Self {
        let mut failed = ServerError { locations: error.locations, ..ServerError::new(error.message, None) };
        set_code(&mut failed, Code::BadUserInput);
        Self::new(b"{\"data\":null".to_vec().into(), &AnswerErrors::of(&[failed]), Beside::default(), Class::Executed)
    }

    /// The engine's response, with a trace of it where one is wanted.
    pub(super) fn executed(mut response: Response, beside: Beside, tracing: Option<&Tracing>, limit: u64) -> Self {
        for error in &mut response.errors {
            // Ours all have a code. What the engine says itself is of values that do not fit their types.
            if error.extensions.as_ref().is_none_or(|extensions| extensions.get("code").is_none()) {
                shorten(&mut error.message);
                set_code(error, Code::BadUserInput);
            }
        }
        let mut out = Self::begin(0);
        // Neither values nor vectors fail to be written.
        let _ = serde_json::to_writer(&mut out, &response.data);
        in_order(&response.data, &mut response.errors);
        let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(out.len());
        let errors = AnswerErrors::of(&response.errors);
        let ftv1 = tracing.and_then(|tracing| tracing.encode(data_of(&out), &errors, room));
        Self::new(out.into(), &errors, Beside { ftv1, ..beside }, Class::Executed)
    }

    /// A buffer with the beginning of an answer, and room for so many bytes of it, but not for much: that the last
    /// answer to an operation was long is no reason for the next one to be.
    pub(super) fn begin(length: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity((length + length / 8).min(FIRST_ROOM) + AROUND);
        out.extend_from_slice(DATA);
        out
    }

    /// The projection's data, written after what [`begin`](Self::begin) gave.
    pub(super) fn projected(projected: Projected, beside: Beside) -> Self {
        let rows = projected.rows;
        Self::new(projected.out.into(), &projected.errors, beside, Class::Executed).of_rows(rows)
    }

    /// The answer, unless it is longer than `limit` bytes.
    pub(super) fn within(self, limit: u64) -> Self {
        if self.body.len() as u64 <= limit {
            return self;
        }
        Self::refused(too_large(limit))
    }

    /// Which kind of operation ran, and what it cost.
    pub(super) fn of_operation(self, kind: &'static str, cost: usize) -> Self {
        Self { kind, cost, ..self }
    }

    pub(super) fn of_rows(self, rows: usize) -> Self {
        Self { rows, ..self }
    }

    /// The data of an earlier answer, with what [`begin`](Self::begin) gave.
    pub(super) fn reused(data: &Bytes, beside: Beside) -> Self {
        Self::new(AnswerBody::sharing(data, AROUND), &AnswerErrors::default(), beside, Class::Executed)
    }

    /// Completes `body`, which holds the bracket and the data, if there is any.
    fn new(mut body: AnswerBody, errors: &AnswerErrors, beside: Beside, class: Class) -> Self {
        let Beside { summary, cost, ftv1, tags } = beside;
        let fresh_for = summary.map_or(Duration::ZERO, |summary| summary.fresh_for);
        // No cache keeps an answer with errors, or a stale one.
        let tags = tags.filter(|_| errors.is_empty() && !fresh_for.is_zero());
        let around = ftv1.as_ref().map_or(0, String::len) + AROUND;
        let is_tagged = tags.as_ref().is_none_or(|tags| tags.fit(body.len() + around));
        let tags = tags.filter(|_| is_tagged);
        let mut is_first = body.len() == 1;
        let out = body.written();
        let mut member = |out: &mut Vec<u8>, key: &[u8]| {
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            out.extend_from_slice(key);
        };
        if !errors.is_empty() {
            member(out, b"\"errors\":");
            errors.write_to(out);
        }
        let extensions = AnswerExtensions { summary, cost, ftv1: ftv1.as_deref(), tags: tags.as_ref() };
        if !extensions.is_empty() {
            member(out, b"\"extensions\":");
            extensions.write(out);
        }
        out.push(b'}');
        Self {
            body,
            class,
            has_errors: !errors.is_empty(),
            // What no cache could drop again, none may keep.
            fresh_for: if is_tagged { fresh_for } else { Duration::ZERO },
            cache_tags: tags.map(TagsBeside::header).unwrap_or_default(),
            share: summary.and_then(|summary| summary.share),
            kind: "none",
            rows: 0,
            codes: errors.codes().to_vec(),
            cost: 0,
            summary,
        }
    }
}

/// Brings the engine's errors, which come in the order in which resolvers end, into that of the answer: each where the field
/// that it nulls is written. Of fields that were merged the engine executes each, so the same error can come several times;
/// the first stays.
fn in_order(data: &Value, errors: &mut Vec<ServerError>) {
    errors.sort_by_cached_key(|error| position(data, &error.path));
    errors.dedup_by(|later, cached| !later.path.is_empty() && later.path == cached.path);
}

/// Where in the answer a path leads, as the positions that its segments have in their objects and lists.
fn position(mut data: &Value, path: &[PathSegment]) -> Vec<usize> {
    let mut positions = Vec::with_capacity(path.len());
    for segment in path {
        let (position, below) = match (segment, data) {
            (PathSegment::Field(key), Value::Object(fields)) => match fields.get_full(key.as_str()) {
                Some((position, _, below)) => (position, below),
                None => break,
            },
            (PathSegment::Index(position), Value::List(list)) => match list.get(*position) {
                Some(below) => (*position, below),
                None => break,
            },
            _ => break,
        };
        positions.push(position);
        data = below;
    }
    positions
}

/// The refusal of an answer that is longer than `limit` bytes.
pub(super) fn too_large(limit: u64) -> RequestError {
    RequestError {
        code: Code::ResponseTooLarge,
        message: format!("the answer's length in bytes is limited to {limit}: ask for fewer members or fields"),
    }
}

/// The engine repeats names from the document; how long those are is the sender's choice, how long an error is ours.
fn shorten(message: &mut String) {
    if let Some(end) =
        (0..=MESSAGE_LIMIT).rfind(|end| message.is_char_boundary(*end)).filter(|end| *end < message.len())
    {
        message.truncate(end);
        message.push('…');
    }
}

fn set_code(error: &mut ServerError, code: Code) {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code.name());
}
