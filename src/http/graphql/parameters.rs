//! Parameters: reads the GraphQL requests in a body or a query string.
//!
//! The steps: decode the content coding (`coding`) → skip a byte order mark → validate the JSON and find the parameters in it
//! (`json`) → read each parameter. Variables stay text.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, Uri};
use serde::Deserialize;

use super::coding::{self, ContentCoding};
use super::json::{Outline, outline};
use crate::graphql::{Code, PersistedQuery, Reference, Variables};
use crate::http::response::error::HttpError;

/// The elements of a batch that are read: one more than any configuration allows.
const BATCH: usize = 11;

/// The age in seconds that a team may have, for a caller that asks for a younger one than usual.
static MAX_AGE: HeaderName = HeaderName::from_static("x-flowmatix-max-age");
/// The longest interval that a subscriber can ask for.
const LONGEST_INTERVAL: Duration = Duration::from_secs(86_400);

/// One GraphQL request, as it was sent.
pub(in crate::http) struct Parameters {
    pub(in crate::http) document: Reference,
    pub(in crate::http) operation_name: Option<String>,
    pub(in crate::http) variables: Variables,
    /// How often a subscriber wants the team to be read.
    pub(in crate::http) live_interval: Option<Duration>,
}

/// The contents of a body or a query string.
pub(super) enum Parsed {
    One(Parameters),
    /// The first requests of an array.
    Many(Vec<Parameters>),
}

impl Parsed {
    /// Every request of it.
    pub(super) fn each(&self) -> impl Iterator<Item = &Parameters> {
        match self {
            Self::One(one) => std::slice::from_ref(one).iter(),
            Self::Many(many) => many.iter(),
        }
    }
}

/// The texts of the parameters in a JSON object.
type ParameterTexts<'t> = [Option<&'t str>; 6];
const NAMES: [&str; 6] = ["query", "operationName", "variables", "extensions", "documentId", "doc_id"];

/// The parameters of a body. `limit` is how many bytes it may have, once decoded.
pub(super) fn from_body(body: Bytes, coding: ContentCoding, limit: usize) -> Result<Parsed, HttpError> {
    let body = coding::decode(body, coding, limit)?;
    let text = std::str::from_utf8(&body)
        .map_err(|error| HttpError::unreadable(format!("the body is not UTF-8 (at byte {})", error.valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let not_json = |error| HttpError::unreadable(format!("the body is not valid JSON: {error}"));
    match outline(text, NAMES, BATCH).map_err(not_json)? {
        Outline::Object(members) => read(members, Some(&body)).map(Parsed::One),
        Outline::Array(elements) => {
            let elements = elements.into_iter().map(|text| element(text, Some(&body)));
            elements.collect::<Result<_, _>>().map(Parsed::Many)
        }
        Outline::Scalar => Err(HttpError::no_graphql("the body is not a JSON object")),
    }
}

/// The parameters of a request in a message.
pub(in crate::http) fn of_object(text: &str) -> Result<Parameters, HttpError> {
    element(text, None)
}

/// How old a team may be, for a caller that asks for a younger one than usual.
pub(in crate::http) fn max_age(headers: &HeaderMap) -> Result<Option<Duration>, HttpError> {
    let mut values = headers.get_all(&MAX_AGE).iter();
    let seconds = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().ok().and_then(|value| value.trim().parse::<u32>().ok()),
        (Some(_), Some(_)) => None,
    };
    let seconds = seconds.ok_or_else(|| {
        HttpError::new(Code::BadUserInput, "send x-flowmatix-max-age once, as a whole number of seconds")
    })?;
    Ok(Some(Duration::from_secs(seconds.into())))
}

/// One request of a batch.
fn element(text: &str, body: Option<&Bytes>) -> Result<Parameters, HttpError> {
    match outline(text, NAMES, 0) {
        Ok(Outline::Object(members)) => read(members, body),
        _ => Err(HttpError::no_graphql("each element of a batch must be a JSON object")),
    }
}

/// Reads the texts of parameters, which lie in `body` where there is one.
fn read(
    [query, operation_name, variables, extensions, document_id, doc_id]: ParameterTexts<'_>,
    body: Option<&Bytes>,
) -> Result<Parameters, HttpError> {
    let RequestExtensions { persisted_query: persisted, live } = read_extensions(object(extensions, "extensions")?)?;
    Ok(Parameters {
        live_interval: live_interval(live)?,
        document: Reference {
            text: string(query, "query")?,
            persisted,
            id: document_name(string(document_id, "documentId")?, string(doc_id, "doc_id")?)?,
        },
        operation_name: string(operation_name, "operationName")?.filter(|name| !name.is_empty()),
        variables: {
            let object = object(variables, "variables")?;
            body.map_or_else(|| Variables::new(object), |body| Variables::within(body, object))
        },
    })
}

/// The parameters of a GET. An empty parameter counts as absent.
pub(super) fn from_uri(uri: &Uri) -> Result<Parsed, HttpError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Raw {
        query: Option<String>,
        operation_name: Option<String>,
        variables: Option<String>,
        extensions: Option<String>,
        document_id: Option<String>,
        #[serde(rename = "doc_id")]
        doc_id: Option<String>,
    }

    // What reads the form would put replacement characters in their places.
    if !is_text(uri.query().unwrap_or_default()) {
        return Err(HttpError::unreadable("the query string is not UTF-8"));
    }
    let Query(sent) = Query::<Raw>::try_from_uri(uri).map_err(|_| {
        HttpError::no_graphql("the query string cannot be read: send each parameter once, form-encoded")
    })?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (variables, extensions) = (filled(sent.variables), filled(sent.extensions));
    let RequestExtensions { persisted_query: persisted, live } =
        read_extensions(embedded(extensions.as_deref(), "extensions")?)?;
    Ok(Parsed::One(Parameters {
        live_interval: live_interval(live)?,
        document: Reference {
            text: filled(sent.query),
            persisted,
            id: document_name(filled(sent.document_id), filled(sent.doc_id))?,
        },
        operation_name: filled(sent.operation_name),
        variables: Variables::new(embedded(variables.as_deref(), "variables")?),
    }))
}

/// Whether a query string is UTF-8 once it is decoded.
fn is_text(query: &str) -> bool {
    let mut pieces = query.as_bytes().split(|byte| *byte == b'%');
    let mut decoded = pieces.next().unwrap_or_default().to_vec();
    for piece in pieces {
        let digit = |at: usize| char::from(*piece.get(at)?).to_digit(16);
        match digit(0).zip(digit(1)).and_then(|(high, low)| u8::try_from(high << 4 | low).ok()) {
            Some(byte) => {
                decoded.push(byte);
                decoded.extend_from_slice(&piece[2..]);
            }
            // A percent sign that encodes nothing stands for itself.
            None => {
                decoded.push(b'%');
                decoded.extend_from_slice(piece);
            }
        }
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// The text of an object that is a parameter of its own.
fn embedded<'t>(text: Option<&'t str>, name: &str) -> Result<Option<&'t str>, HttpError> {
    let Some(text) = text.map(|text| text.trim_matches([' ', '\t', '\n', '\r'])) else { return Ok(None) };
    match outline(text, [], 0) {
        Ok(_) => object(Some(text), name),
        Err(error) => Err(HttpError::unreadable(format!("`{name}` is not valid JSON: {error}"))),
    }
}

fn string(text: Option<&str>, name: &str) -> Result<Option<String>, HttpError> {
    match text {
        None | Some("null") => Ok(None),
        Some(text) => {
            serde_json::from_str(text).map(Some).map_err(|_| HttpError::no_graphql(format!("`{name}` is not a string")))
        }
    }
}

fn object<'t>(text: Option<&'t str>, name: &str) -> Result<Option<&'t str>, HttpError> {
    match text {
        None | Some("null") => Ok(None),
        Some(text) if text.starts_with('{') => Ok(Some(text)),
        Some(_) => Err(HttpError::no_graphql(format!("`{name}` is not an object"))),
    }
}

/// The extensions of a request that are read.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestExtensions {
    persisted_query: Option<PersistedQuery>,
    live: Option<LiveOptions>,
}

/// The options of a subscriber.
#[derive(Default, Deserialize)]
struct LiveOptions {
    /// In seconds.
    interval: Option<f64>,
}

fn read_extensions(extensions: Option<&str>) -> Result<RequestExtensions, HttpError> {
    let extensions = extensions.map(serde_json::from_str::<RequestExtensions>).transpose();
    let extensions = extensions.map_err(|_| {
        HttpError::no_graphql(
            "`extensions.persistedQuery` needs a `version` and a `sha256Hash`, `extensions.live` a number as `interval`",
        )
    })?;
    Ok(extensions.unwrap_or_default())
}

fn live_interval(live: Option<LiveOptions>) -> Result<Option<Duration>, HttpError> {
    let Some(seconds) = live.and_then(|live| live.interval) else { return Ok(None) };
    let interval = Duration::try_from_secs_f64(seconds).ok().filter(|interval| *interval <= LONGEST_INTERVAL);
    let wrong = || HttpError::new(Code::BadUserInput, "`extensions.live.interval` must be from 0 to 86400 seconds");
    interval.map(Some).ok_or_else(wrong)
}

/// The document's id: `documentId` of the GraphQL over HTTP proposal, or Relay's `doc_id`.
fn document_name(document_id: Option<String>, doc_id: Option<String>) -> Result<Option<String>, HttpError> {
    match (document_id, doc_id) {
        (Some(one), Some(other)) if one != other => {
            Err(HttpError::no_graphql("`documentId` and `doc_id` name different documents"))
        }
        (one, other) => Ok(one.or(other)),
    }
}
