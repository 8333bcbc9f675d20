//! GraphQL over HTTP: a request becomes one or several GraphQL requests, and their answers one response.
//!
//! The steps: negotiate a media type → check the sizes of the head, the host, the method, CSRF, what the body is
//! (`guards`, `coding`) → authenticate → check the rate → read the body → acquire a permit → wait for the caller's turn →
//! read the parameters (`parameters`) → execute → respond (`respond`). The order matters: a request is authenticated before
//! its body is read, and admitted before it is parsed.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, Response, StatusCode};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};

use super::callers::{IdentifiedCaller, identify};
use super::coding::{self, ContentCoding};
use super::parameters::{self, Parameters, Parsed, max_age};
use super::progress::RequestProgress;
use super::respond::{self, respond, respond_to_batch};
use super::{guards, methods, span};
use crate::compute::{Hold, Lane, Ticket};
use crate::graphql;
use crate::graphql::{Code, GraphQlResponse, LiveRequest, Started};
use crate::http::AppState;
use crate::http::admission::admission::ReadBody;
use crate::http::admission::body_memory::BodyReservation;
use crate::http::admission::client_ip;
use crate::http::audit::AuditedAnswer;
use crate::http::log_names::RecordedGrants;
use crate::http::request_id::{RequestId, is_told};
use crate::http::response::error::HttpError;
use crate::http::response::negotiate::{MediaType, StreamType, accepted, accepted_stream};
use crate::http::streams;
use crate::http::streams::subscription_line::SubscriptionLine;
use crate::model::{Cancellation, Clock, Grants};

/// With `ftv1`: the answer has a trace.
static INCLUDE_TRACE: HeaderName = HeaderName::from_static("apollo-federation-include-trace");
/// With `true`: the answer tells what it was estimated to cost.
static SHOW_COST: HeaderName = HeaderName::from_static("x-flowmatix-show-cost");
/// The requests of a body that is longer, in bytes, or encoded, are read, validated and executed beside the runtime's
/// workers.
const LONG_BODY: usize = 8 << 10;

pub(in crate::http) async fn serve(public: Arc<AppState>, request: Request) -> Response<Body> {
    let started = Clock::instant();
    let (mut parts, body) = request.into_parts();
    if public.live.is_enabled() && streams::upgrade::is_asked_for(&parts) {
        return upgrade(&public, &mut parts).await;
    }
    if parts.method == Method::OPTIONS {
        return methods::options(&public.settings);
    }
    let mut response = answer(&public, &parts, body, started).await;
    methods::advertise(&parts.method, &mut response);
    response
}

async fn answer(public: &Arc<AppState>, parts: &Parts, body: Body, started: Instant) -> Response<Body> {
    let stream = accepted_stream(&parts.headers).filter(|_| public.live.is_enabled());
    let accepted = accepted(&parts.headers);
    let accepts_json = accepted.is_some();
    let Some(media_type) = accepted.or(stream.map(|_| MediaType::GraphQlResponse)) else {
        let refusal =
            HttpError::new(Code::InvalidAccept, "accept application/graphql-response+json or application/json");
        return refuse(public, &refusal, MediaType::Json);
    };
    let head = match guards::check_size(parts, &public.settings) {
        Ok(bytes) => bytes,
        Err(refusal) => return refuse(public, &refusal, media_type),
    };
    let statuses = public.settings.statuses;
    let deadline = Clock::instant() + public.settings.timeout;
    let progress = RequestProgress::new(&public.log_names, parts, started);
    let execution = pin!(execute(public, parts, (head, body), stream, deadline, &progress));
    let executed = timeout_at(deadline, execution).await;
    progress.is_over.store(true, Ordering::Relaxed);
    let audit = &progress.audit;
    let refuse = |refusal: &HttpError| {
        if let Some(audit) = audit.get() {
            audit.refused(refusal.code);
        }
        refuse(public, refusal, media_type)
    };
    let mut response = match executed {
        Ok(Ok((answered, RequestResources { caller, permit }))) => {
            let mut audited = Vec::new();
            let mut count = |answer: &mut GraphQlResponse| {
                count(public, answer, started);
                audited.extend(audit.get().map(|_| AuditedAnswer::take(answer)));
            };
            let response = match answered {
                Answered::One(mut answer) => {
                    span::answered(std::slice::from_ref(&answer));
                    count(&mut answer);
                    match stream.filter(|_| !accepts_json) {
                        Some(stream) => streams::response::answer(answer, stream),
                        None => respond(answer, media_type, statuses),
                    }
                }
                // It holds no permit of requests: streams have limits of their own.
                Answered::Live(live) => {
                    let stream = stream.unwrap_or(StreamType::ServerSentEvents);
                    let (grants, payer) = (caller.grants.clone(), &caller.payer);
                    let line = SubscriptionLine::begin(started, progress.logged());
                    let begun =
                        streams::response::subscribe(public, *live, stream, parts, grants, payer, (audit, line));
                    let mut response = begun.unwrap_or_else(|refusal| refuse(&refusal));
                    progress.logged().put_into(&mut response);
                    return response;
                }
                Answered::Many(mut answers) => {
                    span::answered(&answers);
                    answers.iter_mut().for_each(count);
                    respond_to_batch(&answers, media_type)
                }
            };
            match public.admission.hold_response(&caller.payer, response, permit) {
                Ok(response) => {
                    if let Some(audit) = audit.get() {
                        audit.answered(&audited);
                    }
                    response
                }
                Err(refusal) => refuse(&refusal),
            }
        }
        Ok(Err(refusal)) => refuse(&refusal),
        Err(_) if progress.reading.load(Ordering::Relaxed) => {
            let refusal = HttpError::new(Code::RequestTimeout, "the body did not come in time");
            refuse(&refusal.with_status(StatusCode::REQUEST_TIMEOUT))
        }
        Err(_) => refuse(&HttpError::new(Code::RequestTimeout, "request timed out")),
    };
    // Also of one that was refused late: what it asked for is known.
    progress.logged().put_into(&mut response);
    response
}

/// The resources that a request holds until the last byte of its answer has left.
struct RequestResources {
    caller: IdentifiedCaller,
    permit: Hold,
}

/// The answer to a body.
#[expect(clippy::large_enum_variant, reason = "one is made for a request, and moved once")]
enum Answered {
    One(GraphQlResponse),
    Many(Vec<GraphQlResponse>),
    /// A subscription that is to begin.
    Live(Box<LiveRequest>),
}

fn count(public: &AppState, answer: &GraphQlResponse, started: Instant) {
    public.metrics.answered(answer.kind, answer.outcome(), Clock::elapsed_since(started));
}

async fn execute(
    public: &Arc<AppState>,
    parts: &Parts,
    (head, body): (usize, Body),
    stream: Option<StreamType>,
    deadline: tokio::time::Instant,
    progress: &RequestProgress<'_>,
) -> Result<(Answered, RequestResources), HttpError> {
    if public.auth.is_open() {
        guards::check_host(parts, &public.settings.allowed_hosts)?;
    }
    let method = methods::of(&parts.method, &public.settings)?;
    let coding = if method.has_body() {
        guards::check_content_type(parts)?;
        coding::of(&parts.headers)?
    } else {
        if public.settings.csrf_protection {
            guards::check_csrf(parts)?;
        }
        ContentCoding::Identity
    };
    let peer = client_ip::address(parts, &public.settings);
    let audit = public.audit(RequestId::of(&parts.extensions), "http");
    let audit = audit.map(|audit| progress.audit.get_or_init(|| audit).clone());
    let caller = identify(public, parts, peer).await?;
    if let Some(audit) = &audit {
        audit.identified(caller.grants.caller());
    }
    let IdentifiedCaller { grants, key, payer, .. } = &caller;
    let limits = grants.limits();
    public.admission.check_rate(key, limits)?;
    let limit = usize::try_from(public.settings.body_limit.as_u64()).unwrap_or(usize::MAX);
    public.admission.check_responses(payer)?;
    progress.reading.store(method.has_body(), Ordering::Relaxed);
    let body = if method.has_body() { Some(public.admission.read(payer, (head, body), limit).await?) } else { None };
    progress.reading.store(false, Ordering::Relaxed);
    let admitted = public.admission.admit(key.clone(), payer, limits)?;
    let permit: Hold = admitted.clone();
    let ticket = Ticket::new(Lane::of(payer), Cancellation::at(deadline), Some(permit.clone())).with_room(admitted);
    let max_age = max_age(&parts.headers)?;
    let show_cost = parts.headers.get(&SHOW_COST).is_some_and(|value| value == "true");
    let trace = parts.headers.get(&INCLUDE_TRACE).is_some_and(|value| value == "ftv1");
    let queries_only = method.is_safe();
    let long = body.as_ref().is_some_and(|body| coding != ContentCoding::Identity || body.bytes.len() > LONG_BODY);
    let recorded = is_told().then(|| progress.recorded.get_or_init(|| RecordedGrants::few(grants.clone())).clone());
    let grants_of_work: Arc<dyn Grants> = match &recorded {
        Some(recorded) => recorded.clone(),
        None => grants.clone(),
    };
    let (state, uri, work) = (public.clone(), parts.uri.clone(), ticket.clone());
    let nodes_limit = public.engine.variable_nodes_limit();
    let parse = move || -> Result<(Parsed, Option<BodyReservation>), HttpError> {
        // The memory is kept while values that were read from the body are used.
        let Some(ReadBody { bytes, mut memory }) = body else { return Ok((parameters::from_uri(&uri)?, None)) };
        let sent = bytes.len();
        if coding != ContentCoding::Identity {
            memory.grow(coding::decoded_limit(sent, limit).saturating_sub(sent))?;
        }
        let parsed = parameters::from_body(bytes, coding, limit)?;
        memory.grow(parsed.each().map(|one| one.variables.memory(nodes_limit)).sum())?;
        Ok((parsed, Some(memory)))
    };
    let run = move |(parsed, memory): (Parsed, Option<BodyReservation>)| async move {
        let _memory = memory;
        if let Some(recorded) = recorded
            && let Some(names) = state.log_names.operations(parsed.each().map(|one| &one.document))
        {
            let _ = recorded.operations.set(names);
        }
        span::documents(parsed.each().map(|one| &one.document));
        let request = |parameters: Parameters| {
            let (grants, audit) = match &audit {
                Some(audit) => audit.ask(&parameters.document, grants_of_work.clone()),
                None => (grants_of_work.clone(), None),
            };
            graphql::Request {
                grants,
                audit,
                document: parameters.document,
                operation_name: parameters.operation_name,
                variables: parameters.variables,
                max_age: parameters.live_interval.filter(|_| stream.is_some()).or(max_age),
                show_cost,
                trace,
                queries_only,
                ticket: work.clone(),
            }
        };
        match parsed {
            Parsed::One(parameters) if stream.is_some() => match state.engine.start(request(parameters)).await {
                Started::Answer(answer) => Answered::One(answer),
                Started::Live(live) => Answered::Live(Box::new(live)),
            },
            Parsed::One(parameters) => Answered::One(state.engine.execute(request(parameters)).await),
            Parsed::Many(batch) => {
                let answers = state.engine.execute_batch(batch.into_iter().map(request).collect()).await;
                answers.map_or_else(Answered::One, Answered::Many)
            }
        }
    };
    let compute = public.engine.compute();
    let execution = async {
        if long {
            let execution = async move { Ok::<_, HttpError>(run(parse()?).await) };
            return compute.drive(&ticket, execution.boxed()).await?;
        }
        let parsed = parse()?;
        let is_long = |one: &Parameters| public.engine.is_long_to_prepare(&one.document, &one.variables);
        let long = parsed.0.each().any(is_long);
        Ok(if long { compute.drive(&ticket, run(parsed).boxed()).await? } else { run(parsed).await })
    };
    let answered = public.admission.take_turns(payer, pin!(execution)).await?;
    caller.recheck(public);
    Ok((answered, RequestResources { caller, permit }))
}

/// The response to a request for a WebSocket.
async fn upgrade(public: &Arc<AppState>, parts: &mut Parts) -> Response<Body> {
    let checks = || {
        guards::check_size(parts, &public.settings)?;
        if public.auth.is_open() {
            guards::check_host(parts, &public.settings.allowed_hosts)?;
        }
        Ok(())
    };
    let upgraded = match checks() {
        Ok(()) => streams::upgrade::upgrade(public, parts).await,
        Err(refusal) => Err(refusal),
    };
    upgraded.unwrap_or_else(|refusal| refuse(public, &refusal, MediaType::Json))
}

fn refuse(public: &AppState, refusal: &HttpError, media_type: MediaType) -> Response<Body> {
    span::refused(refusal);
    public.metrics.refused(refusal.code.name());
    public.metrics.answered("none", "refused", Duration::ZERO);
    let mut response = refusal.answer(media_type, public.settings.statuses);
    if refusal.code == Code::MethodNotAllowed {
        respond::allow(&mut response, methods::allowed(&public.settings));
    }
    response
}
