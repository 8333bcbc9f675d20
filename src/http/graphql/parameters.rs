//! Parameters: reads the GraphQL requests in a body or a query string.
//!
//! The steps: decode the content coding (`coding`) → skip a byte order mark → validate the JSON and find the parameters in it
//! (`json`) → read each parameter. Variables stay text.

use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::coding::{self, ContentCoding};
use super::json::{Outline, outline};
use crate::graphql::{PersistedQuery, Reference};
use crate::http::response::error::HttpError;

/// The elements of a batch that are read: one more than any configuration allows.
const BATCH: usize = 11;

/// One GraphQL request, as it was sent.
pub(super) struct Parameters {
    pub(super) document: Reference,
    pub(super) operation_name: Option<String>,
    /// The text of an object.
    pub(super) variables: Option<Box<RawValue>>,
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
type Members<'t> = [Option<&'t str>; 6];
const NAMES: [&str; 6] = ["query", "operationName", "variables", "extensions", "documentId", "doc_id"];

/// The parameters of a body. `limit` is how many bytes it may have, once decoded.
pub(super) fn from_body(body: Vec<u8>, coding: ContentCoding, limit: usize) -> Result<Parsed, HttpError> {
    let body = coding::decode(body, coding, limit)?;
    let text = std::str::from_utf8(&body)
        .map_err(|error| HttpError::unreadable(format!("the body is not UTF-8 (at byte {})", error.valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let not_json = |error| HttpError::unreadable(format!("the body is not valid JSON: {error}"));
    match outline(text, NAMES, BATCH).map_err(not_json)? {
        Outline::Object(members) => read(members).map(Parsed::One),
        Outline::Array(elements) => elements.into_iter().map(element).collect::<Result<_, _>>().map(Parsed::Many),
        Outline::Scalar => Err(HttpError::no_graphql("the body is not a JSON object")),
    }
}

/// One request of a batch.
fn element(text: &str) -> Result<Parameters, HttpError> {
    match outline(text, NAMES, 0) {
        Ok(Outline::Object(members)) => read(members),
        _ => Err(HttpError::no_graphql("each element of a batch must be a JSON object")),
    }
}

fn read(
    [query, operation_name, variables, extensions, document_id, doc_id]: Members<'_>,
) -> Result<Parameters, HttpError> {
    Ok(Parameters {
        document: Reference {
            text: string(query, "query")?,
            persisted: persisted(object(extensions, "extensions")?)?,
            id: document_name(string(document_id, "documentId")?, string(doc_id, "doc_id")?)?,
        },
        operation_name: string(operation_name, "operationName")?.filter(|name| !name.is_empty()),
        variables: raw(object(variables, "variables")?)?,
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

    let Query(sent) = Query::<Raw>::try_from_uri(uri).map_err(|_| {
        HttpError::no_graphql("the query string cannot be read: send each parameter once, form-encoded")
    })?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (variables, extensions) = (filled(sent.variables), filled(sent.extensions));
    Ok(Parsed::One(Parameters {
        document: Reference {
            text: filled(sent.query),
            persisted: persisted(embedded(extensions.as_deref(), "extensions")?)?,
            id: document_name(filled(sent.document_id), filled(sent.doc_id))?,
        },
        operation_name: filled(sent.operation_name),
        variables: raw(embedded(variables.as_deref(), "variables")?)?,
    }))
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

fn raw(text: Option<&str>) -> Result<Option<Box<RawValue>>, HttpError> {
    let raw = text.map(serde_json::from_str).transpose();
    raw.map_err(|_| HttpError::unreadable("`variables` is not valid JSON"))
}

/// `extensions.persistedQuery`.
fn persisted(extensions: Option<&str>) -> Result<Option<PersistedQuery>, HttpError> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Extensions {
        persisted_query: Option<PersistedQuery>,
    }

    let extensions = extensions.map(serde_json::from_str::<Extensions>).transpose();
    let extensions = extensions
        .map_err(|_| HttpError::no_graphql("`extensions.persistedQuery` needs a `version` and a `sha256Hash`"))?;
    Ok(extensions.and_then(|extensions| extensions.persisted_query))
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
