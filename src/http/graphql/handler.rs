//! GraphQL over HTTP: a request's method, parameters and body become one GraphQL request, and its answer a response.

use crate::model::BudgetShare;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Query, Request};
use axum::http::header::{ALLOW, CACHE_CONTROL};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::timeout_at;

use super::error::{HttpError, answer, status};
use super::guards;
use super::negotiate::{MediaType, accepted};
use crate::auth::AuthError;
use crate::graphql;
use crate::graphql::{Class, Code, GraphQlResponse, Reference, Variables};
use crate::http::AppState;
use crate::http::admission::admission::CallerKey;
use crate::http::admission::client_ip;

/// With `true`: the answer tells what it was estimated to cost.
const SHOW_COST: &str = "x-flowmatix-show-cost";
/// The age in seconds that a team may have, for a caller who asks for a younger one than usual.
const MAX_AGE: &str = "x-flowmatix-max-age";

/// A request's parameters, wherever they came from.
struct Parameters {
    document: Reference,
    operation_name: Option<String>,
    variables: Variables,
}

pub(in crate::http) async fn serve(public: Arc<AppState>, request: Request) -> Response<Body> {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        return options();
    }
    let Some(media_type) = accepted(&parts.headers) else {
        let refusal =
            HttpError::new(Code::InvalidAccept, "accept application/graphql-response+json or application/json");
        return refuse(&public, &refusal, MediaType::Json);
    };
    if let Err((refusal, status)) = guards::check_size(&parts, &public.settings) {
        let mut response = refuse(&public, &refusal, media_type);
        *response.status_mut() = status;
        return response;
    }
    let deadline = tokio::time::Instant::now() + public.settings.timeout;
    match timeout_at(deadline, execute(&public, &parts, body)).await {
        Ok(Ok(Answered::One(answer))) => {
            count(&public, &answer, started);
            respond(answer, media_type)
        }
        Ok(Ok(Answered::Many(answers))) => {
            answers.iter().for_each(|answer| count(&public, answer, started));
            respond_to_batch(&answers, media_type)
        }
        Ok(Err(refusal)) => refuse(&public, &refusal, media_type),
        Err(_) => {
            let refusal = HttpError::new(Code::RequestTimeout, "the answer was not ready in time");
            refuse(&public, &refusal, media_type)
        }
    }
}

/// The answer to a body.
enum Answered {
    One(GraphQlResponse),
    Many(Vec<GraphQlResponse>),
}

fn count(public: &AppState, answer: &GraphQlResponse, started: Instant) {
    let outcome = match (answer.class, answer.has_errors) {
        (Class::Executed, false) => "ok",
        (Class::Executed, true) => "partial",
        (Class::Invalid | Class::Refused(_), _) => "refused",
    };
    public.metrics.answered(answer.kind, outcome, started.elapsed());
}

/// In this order, so that nobody's body is read who may not ask, and nothing is parsed of more than can be answered.
async fn execute(public: &AppState, parts: &Parts, body: Body) -> Result<Answered, HttpError> {
    if public.auth.is_open() {
        guards::check_host(parts, &public.settings.allowed_hosts)?;
    }
    let by_get = match parts.method {
        Method::POST => false,
        Method::GET | Method::HEAD if public.settings.get_queries => true,
        _ => {
            return Err(HttpError::new(Code::MethodNotAllowed, "this method is not served here"));
        }
    };
    if by_get && public.settings.csrf_protection {
        guards::check_preflighted(parts)?;
    }
    if !by_get && !guards::is_json(parts) {
        return Err(HttpError::new(Code::InvalidContentType, "send the body as content-type: application/json"));
    }
    let peer = client_ip::address(parts, &public.settings.trusted_proxies);
    let (failed_auth, attempt) = (&public.admission.failed_auth, public.admission.failed_auth.of(parts, peer));
    let grants = match public.auth.authenticate(parts).await {
        Ok(grants) => grants,
        Err(denied) => {
            if matches!(denied, AuthError::Invalid(_)) {
                failed_auth.count(attempt)?;
            }
            return Err(denied.into());
        }
    };
    let is_stranger = !public.engine.has_accepted(&*grants);
    if is_stranger {
        failed_auth.count(attempt)?;
    }
    let key = CallerKey::of(&*grants, peer);
    public.admission.check_rate(&key)?;
    let limit = usize::try_from(public.settings.body_limit.as_u64()).unwrap_or(usize::MAX);
    let body = if by_get { Vec::new() } else { public.admission.read(body, limit).await? };
    let _place = public.admission.admit(key)?;
    let parsed = if by_get { Parsed::One(from_uri(&parts.uri)?) } else { from_body(&body)? };
    drop(body);
    let max_age = max_age(&parts.headers)?;
    let request = |parameters: Parameters| graphql::Request {
        document: parameters.document,
        operation_name: parameters.operation_name,
        variables: parameters.variables,
        max_age,
        show_cost: parts.headers.get(SHOW_COST).is_some_and(|value| value == "true"),
        queries_only: by_get,
        grants: grants.clone(),
    };
    let answered = match parsed {
        Parsed::One(parameters) => Answered::One(public.engine.execute(request(parameters)).await),
        Parsed::Many(batch) => {
            let answers = public.engine.execute_batch(batch.into_iter().map(request).collect()).await;
            answers.map_or_else(Answered::One, Answered::Many)
        }
    };
    if is_stranger && public.engine.has_accepted(&*grants) {
        failed_auth.forget(attempt);
    }
    Ok(answered)
}

/// How old a team may be, for a caller who asks for a younger one than usual.
fn max_age(headers: &HeaderMap) -> Result<Option<Duration>, HttpError> {
    let mut values = headers.get_all(MAX_AGE).iter();
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

/// What a request's body or query string holds.
enum Parsed {
    One(Parameters),
    Many(Vec<Parameters>),
}

/// The parameters of a POST.
fn from_body(body: &[u8]) -> Result<Parsed, HttpError> {
    /// A request as nearly all are. What is not like it is read once more, and judged part by part.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Plain {
        query: String,
        operation_name: Option<String>,
        variables: Option<Variables>,
        extensions: Option<Map<String, Value>>,
    }

    // An array would be taken for the fields in turn.
    if body.first() == Some(&b'{')
        && let Ok(plain) = serde_json::from_slice::<Plain>(body)
    {
        return Ok(Parsed::One(Parameters {
            document: document(Some(plain.query), plain.extensions.unwrap_or_default())?,
            operation_name: plain.operation_name,
            variables: plain.variables.unwrap_or_default(),
        }));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Array(batch)) => batch.into_iter().map(from_json).collect::<Result<_, _>>().map(Parsed::Many),
        Ok(value) => from_json(value).map(Parsed::One),
        Err(_) => Err(HttpError::new(Code::BadRequest, "the body is not valid JSON")),
    }
}

fn from_json(value: Value) -> Result<Parameters, HttpError> {
    let Value::Object(mut members) = value else {
        return Err(HttpError::new(Code::BadRequest, "the body is not a JSON object"));
    };
    let extensions = object(members.remove("extensions"), "extensions")?;
    let query = text(members.remove("query"), "query")?;
    Ok(Parameters {
        document: document(query, extensions)?,
        operation_name: text(members.remove("operationName"), "operationName")?,
        variables: variables(object(members.remove("variables"), "variables")?),
    })
}

/// The parameters of a GET.
fn from_uri(uri: &Uri) -> Result<Parameters, HttpError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Raw {
        query: Option<String>,
        operation_name: Option<String>,
        variables: Option<String>,
        extensions: Option<String>,
    }

    let Query(raw) = Query::<Raw>::try_from_uri(uri).map_err(|_| {
        HttpError::new(Code::BadRequest, "the query string cannot be read: each parameter once, form-encoded")
    })?;
    let json = |text: Option<String>, name: &str| match text.filter(|text| !text.is_empty()) {
        None => Ok(Map::new()),
        Some(text) => match serde_json::from_str(&text) {
            Ok(value) => object(Some(value), name),
            Err(_) => Err(HttpError::new(Code::BadRequest, format!("`{name}` is not valid JSON"))),
        },
    };
    let extensions = json(raw.extensions, "extensions")?;
    Ok(Parameters {
        document: document(raw.query, extensions)?,
        operation_name: raw.operation_name.filter(|name| !name.is_empty()),
        variables: variables(json(raw.variables, "variables")?),
    })
}

/// What the parameters say of the document.
fn document(text: Option<String>, mut extensions: Map<String, Value>) -> Result<Reference, HttpError> {
    let persisted = extensions.remove("persistedQuery").map(serde_json::from_value).transpose();
    let persisted = persisted.map_err(|_| {
        HttpError::new(Code::BadRequest, "`extensions.persistedQuery` needs a `version` and a `sha256Hash`")
    })?;
    Ok(Reference { text, persisted })
}

fn text(value: Option<Value>, name: &str) -> Result<Option<String>, HttpError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(HttpError::new(Code::BadRequest, format!("`{name}` is not a string"))),
    }
}

fn object(value: Option<Value>, name: &str) -> Result<Map<String, Value>, HttpError> {
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members),
        Some(_) => Err(HttpError::new(Code::BadRequest, format!("`{name}` is not an object"))),
    }
}

fn variables(members: Map<String, Value>) -> Variables {
    Variables::from_json(Value::Object(members))
}

fn respond(answered: GraphQlResponse, media_type: MediaType) -> Response<Body> {
    let status = match answered.class {
        Class::Executed => StatusCode::OK,
        Class::Invalid if media_type == MediaType::Json => StatusCode::OK,
        Class::Invalid => StatusCode::BAD_REQUEST,
        Class::Refused(code) => status(code),
    };
    let (cacheable_for, share) = (cacheable_for(&answered), answered.share);
    let mut response = answer(status, media_type, answered.body);
    open_to_caches(&mut response, cacheable_for);
    show_share(&mut response, share);
    if answered.class == Class::Refused(Code::MethodNotAllowed) {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// A batch is an array of answers, and always 200: each says for itself what became of it.
fn respond_to_batch(answers: &[GraphQlResponse], media_type: MediaType) -> Response<Body> {
    let mut body = vec![b'['];
    for answer in answers {
        if body.len() > 1 {
            body.push(b',');
        }
        body.extend_from_slice(&answer.body);
    }
    body.push(b']');
    let mut response = answer(StatusCode::OK, media_type, body);
    open_to_caches(&mut response, answers.iter().map(cacheable_for).min().unwrap_or(0));
    show_share(&mut response, answers.iter().filter_map(|answer| answer.share).min_by_key(|share| share.remaining));
    response
}

/// What the caller may still check_rate of the upstream's plan (the IETF's `RateLimit` header fields).
fn show_share(response: &mut Response<Body>, share: Option<BudgetShare>) {
    let Some(share) = share else { return };
    let policy = format!("\"upstream\";q={};w={}", share.limit, share.window.as_secs());
    let left = format!("\"upstream\";r={};t={}", share.remaining, share.reset_seconds());
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", left)] {
        response
            .headers_mut()
            .extend(HeaderValue::try_from(value).ok().map(|value| (HeaderName::from_static(name), value)));
    }
}

/// For how many seconds an answer may be kept: not at all when there is an error or a stale roster in it.
fn cacheable_for(answer: &GraphQlResponse) -> u64 {
    if answer.class == Class::Executed && !answer.has_errors { answer.fresh_for.as_secs() } else { 0 }
}

fn open_to_caches(response: &mut Response<Body>, seconds: u64) {
    if seconds > 0
        && let Ok(value) = HeaderValue::try_from(format!("private, max-age={seconds}"))
    {
        response.headers_mut().insert(CACHE_CONTROL, value);
    }
}

fn refuse(public: &AppState, refusal: &HttpError, media_type: MediaType) -> Response<Body> {
    public.metrics.refused(refusal.code.name());
    public.metrics.answered("none", "refused", Duration::ZERO);
    refusal.answer(media_type)
}

fn options() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, OPTIONS"));
    response
}
