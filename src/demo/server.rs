//! The HTTP server of the sample: the endpoints of Flowmatix, and the sample's own controls.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use axum::{Json, Router};
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::accounts::{ACCOUNTS, AGENCY_TOKEN, NoTeam, open};
use super::calls::{Calls, ReceivedCall};
use super::plan::DemoPlan;
use super::scripted::Scripted;
use super::switches::DemoSwitches;
use super::teams::DemoTeams;
use super::{avatar, faults, people};
use crate::config;

const PAGE_LENGTH: usize = 100;
/// Where permanent tokens are issued.
const TOKENS: &str = "/ext/get-user-token";

/// State shared by all calls.
pub(super) struct DemoState {
    base_url: String,
    pub(super) calls: Calls,
    plan: DemoPlan,
    state: Mutex<Changeable>,
    teams: DemoTeams,
}

#[derive(Default)]
struct Changeable {
    switches: DemoSwitches,
    script: HashMap<Option<String>, Scripted>,
    gate: Option<watch::Receiver<bool>>,
}

impl DemoState {
    pub(super) fn new(settings: &config::DemoConfig, base_url: String) -> Self {
        let state = Changeable { switches: settings.into(), ..Changeable::default() };
        Self {
            teams: DemoTeams::new(settings.seed, base_url.clone(), settings.activity),
            base_url,
            calls: Calls::new(),
            plan: DemoPlan::default(),
            state: Mutex::new(state),
        }
    }

    pub(super) fn switches(&self) -> DemoSwitches {
        self.state().switches.clone()
    }

    pub(super) fn set_switches(&self, switches: DemoSwitches) {
        self.teams.set_pace(Duration::from_millis(switches.activity_ms));
        self.state().switches = switches;
    }

    pub(super) fn script(&self, email: Option<&str>, answer: Option<Scripted>) {
        let email = email.map(str::to_owned);
        match answer {
            Some(answer) => self.state().script.insert(email, answer),
            None => self.state().script.remove(&email),
        };
    }

    pub(super) fn hold(&self) -> watch::Sender<bool> {
        let (gate, wait) = watch::channel(false);
        self.state().gate = Some(wait);
        gate
    }

    fn state(&self) -> MutexGuard<'_, Changeable> {
        self.state.lock()
    }
}

pub(super) fn routes(shared: Arc<DemoState>) -> Router {
    Router::new()
        .route("/", get(front_page))
        .route("/custom-user", any(endpoint))
        .route(TOKENS, any(endpoint))
        .route("/avatars/{initials}/{hue}", get(avatar::avatar))
        .route("/_demo/switches", get(show_switches).put(change_switches))
        .route("/_demo/members/{id}", axum::routing::patch(change_member))
        .route("/_demo/calls", get(show_calls).delete(forget_calls))
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "Not found") })
        .with_state(shared)
}

async fn endpoint(State(shared): State<Arc<DemoState>>, request: Request) -> Response<Body> {
    if request.method() != Method::GET {
        return refusal(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
    }
    let call = read(&request);
    let number = shared.calls.add(call.clone());
    let (switches, gate) = {
        let state = shared.state();
        (state.switches.clone(), state.gate.clone())
    };
    if let Some(mut gate) = gate {
        // Opened or dropped: both let the call through.
        let _ = gate.wait_for(|open| *open).await;
    }
    if switches.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(switches.latency_ms)).await;
    }
    let scripted = {
        let state = shared.state();
        let email = call.parameter("email").map(str::to_owned);
        state.script.get(&email).or_else(|| state.script.get(&None)).cloned()
    };
    if let Some(scripted) = scripted {
        let mut response = Response::new(Body::from(scripted.body));
        *response.status_mut() = scripted.status;
        *response.headers_mut() = scripted.headers;
        return response;
    }
    let whole = |n: usize| (n as f64 * switches.error_rate).floor();
    if whole(number) > whole(number - 1) {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error");
    }
    if let Some(status) = switches.status.and_then(|status| StatusCode::from_u16(status).ok()) {
        return with_retry_after(refusal(status, "Switched"), switches.retry_after_seconds);
    }
    let mut response = match answer(&shared, &call, &request, &switches) {
        Ok(response) => response,
        Err((status, message)) => refusal(status, message),
    };
    if let (Some(limit), Some(token)) = (switches.plan, &call.token) {
        let left = shared.plan.spend(token, limit);
        let reset = left.reset.as_secs();
        if !left.within {
            let after = switches.retry_after_seconds.or(Some(reset));
            response = with_retry_after(refusal(StatusCode::TOO_MANY_REQUESTS, "Too many requests"), after);
        }
        if switches.rate_limit_headers {
            let headers = response.headers_mut();
            headers.insert("x-ratelimit-limit", limit.into());
            headers.insert("x-ratelimit-remaining", left.calls.into());
            headers.insert("x-ratelimit-reset", reset.into());
        }
    }
    response
}

/// An endpoint's regular response, or its refusal.
fn answer(
    shared: &DemoState,
    call: &ReceivedCall,
    request: &Request,
    switches: &DemoSwitches,
) -> Result<Response<Body>, (StatusCode, &'static str)> {
    let key = request.headers().get("authtype").is_some_and(|value| value == "Key");
    let token = call.token.as_deref().filter(|_| key).ok_or((StatusCode::UNAUTHORIZED, "Unauthorized"))?;
    let email = call.parameter("email").filter(|email| email.contains('@'));
    let email = email.ok_or((StatusCode::BAD_REQUEST, "email is required"))?;
    let user_type = call.parameter("type").filter(|name| matches!(*name, "AGENT" | "CUSTOM_USER" | "CUSTOMER"));
    let user_type = user_type.ok_or((StatusCode::BAD_REQUEST, "type must be AGENT, CUSTOM_USER or CUSTOMER"))?;
    let place = open(token, email, user_type).map_err(|reason| match reason {
        NoTeam::UnknownToken => (StatusCode::UNAUTHORIZED, "Unauthorized"),
        NoTeam::OtherAccount => (StatusCode::FORBIDDEN, "Forbidden"),
        NoTeam::UnknownAccount => (StatusCode::NOT_FOUND, "User not found"),
    })?;
    let team = shared.teams.get(place);
    if let Some(malformed) = switches.malformed {
        return Ok(faults::answer(malformed, &team.rows));
    }
    if call.path == TOKENS {
        let token = json!({ "permanentToken": { "key": ACCOUNTS[place].permanent_token, "active": true } });
        let body = json!({ "success": true, "message": "", "data": token, "code": 200 });
        return Ok(json_response(StatusCode::OK, body.to_string()));
    }
    let search = call.parameter("searchText").unwrap_or_default().to_lowercase();
    let paged = call.parameter("ispagination") == Some("true");
    if search.is_empty() && !paged {
        return Ok(json_response(StatusCode::OK, team.body.clone()));
    }
    let found = |row: &&Value| search.is_empty() || row.to_string().to_lowercase().contains(&search);
    let rows = team.rows.iter().filter(found);
    let rows = if paged {
        let page = call.parameter("page").map_or(Ok(1), str::parse::<usize>);
        let page = page.ok().filter(|page| *page > 0).ok_or((StatusCode::BAD_REQUEST, "page must be 1 or more"))?;
        rows.skip((page - 1).saturating_mul(PAGE_LENGTH)).take(PAGE_LENGTH).cloned().collect()
    } else {
        rows.cloned().collect()
    };
    Ok(json_response(StatusCode::OK, people::envelope(rows).to_string()))
}

fn read(request: &Request) -> ReceivedCall {
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let mut headers: Vec<String> = request.headers().keys().map(ToString::to_string).collect();
    headers.sort();
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    ReceivedCall {
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        parameters: Query::<Vec<(String, String)>>::try_from_uri(request.uri())
            .map(|query| query.0)
            .unwrap_or_default(),
        headers,
        trace: ["traceparent", "tracestate"].map(text),
        token: token.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned),
    }
}

fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    let body = json!({ "success": false, "message": message, "data": null, "code": status.as_u16() });
    json_response(status, body.to_string())
}

fn json_response(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn with_retry_after(mut response: Response<Body>, seconds: Option<u64>) -> Response<Body> {
    response.headers_mut().extend(seconds.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
    response
}

async fn show_switches(State(shared): State<Arc<DemoState>>) -> Json<DemoSwitches> {
    Json(shared.switches())
}

async fn change_switches(State(shared): State<Arc<DemoState>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    // A page of another origin cannot send this type without a preflight.
    if headers.get(CONTENT_TYPE).is_none_or(|value| value != "application/json") {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "send content-type: application/json\n").into_response();
    }
    match serde_json::from_slice::<DemoSwitches>(&body) {
        Ok(switches) if (0.0..=1.0).contains(&switches.error_rate) => {
            shared.set_switches(switches.clone());
            Json(switches).into_response()
        }
        Ok(_) => (StatusCode::BAD_REQUEST, "errorRate must be from 0 to 1\n").into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

async fn change_member(
    State(shared): State<Arc<DemoState>>,
    Path(id): Path<String>,
    Json(fields): Json<Map<String, Value>>,
) -> StatusCode {
    if shared.teams.change(&id, &fields) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn show_calls(State(shared): State<Arc<DemoState>>) -> Json<Value> {
    let mut accounts = HashMap::<String, usize>::new();
    for call in shared.calls.log() {
        *accounts.entry(call.parameter("email").unwrap_or_default().to_owned()).or_default() += 1;
    }
    Json(json!({ "calls": shared.calls.count(), "byEmail": accounts }))
}

async fn forget_calls(State(shared): State<Arc<DemoState>>) -> StatusCode {
    shared.calls.reset();
    StatusCode::NO_CONTENT
}

async fn front_page(State(shared): State<Arc<DemoState>>) -> String {
    let base = &shared.base_url;
    let mut text =
        String::from("A sample Flowmatix. Everybody in it is invented.\n\naccounts (email, type, members, token)\n");
    for account in ACCOUNTS {
        let _ = writeln!(text, "  {} {} {} {}", account.email, account.user_type, account.members, account.token);
    }
    let _ = write!(
        text,
        "token for all of them: {AGENCY_TOKEN}\n\n\
         curl -H 'authorization: Bearer {AGENCY_TOKEN}' -H 'authtype: Key' '{base}/custom-user?email={}&type={}'\n\
         (a permanent token: the same at {base}{TOKENS})\n\n\
         switches: GET and PUT {base}/_demo/switches, for example\n\
         curl -X PUT -H 'content-type: application/json' -d '{{\"status\":503}}' {base}/_demo/switches\n\
         a member's fields: PATCH {base}/_demo/members/ID, for example with {{\"liveAvailability\":\"ONLINE\"}}\n\
         calls seen: GET and DELETE {base}/_demo/calls\n",
        ACCOUNTS[0].email, ACCOUNTS[0].user_type,
    );
    text
}
