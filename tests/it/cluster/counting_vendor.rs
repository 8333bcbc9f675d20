//! A vendor that counts for itself: when each call came, for which account and with which token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

#[derive(Clone)]
pub struct CountingVendor {
    state: Arc<Mutex<Seen>>,
    pub url: String,
}

#[derive(Default)]
struct Seen {
    calls: Vec<(Instant, String)>,
    latency: Duration,
    /// Calls that are being answered, and the most that were since it was asked last.
    under_way: (usize, usize),
    refusals: HashMap<String, u16>,
    down: bool,
    /// What the names of people begin with, and what a 429 asks for, where it was set.
    name: Option<String>,
    retry_after: Option<u32>,
}

impl CountingVendor {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let vendor = Self { state: Arc::default(), url };
        let routes = Router::new().route("/custom-user", get(answer)).with_state(vendor.state.clone());
        tokio::spawn(async move { axum_serve(listener, routes).await });
        vendor
    }

    pub fn calls(&self) -> usize {
        self.state.lock().unwrap().calls.len()
    }

    pub fn calls_for(&self, email: &str) -> usize {
        self.state.lock().unwrap().calls.iter().filter(|(_, known)| known == email).count()
    }

    /// The most calls in any window of this length.
    pub fn most_in(&self, window: Duration) -> usize {
        self.most_since(0, window)
    }

    /// The same without the first calls, so many.
    pub fn most_since(&self, first: usize, window: Duration) -> usize {
        let mut times: Vec<Instant> = self.state.lock().unwrap().calls.iter().skip(first).map(|(at, _)| *at).collect();
        times.sort_unstable();
        let (mut first, mut most) = (0, 0);
        for (at, time) in times.iter().enumerate() {
            while *time - times[first] >= window {
                first += 1;
            }
            most = most.max(at + 1 - first);
        }
        most
    }

    /// The most calls that were being answered at a time since this was asked last; those of now count for the next time.
    pub fn take_most_under_way(&self) -> usize {
        let (now, most) = &mut self.state.lock().unwrap().under_way;
        std::mem::replace(most, *now)
    }

    pub fn set_latency(&self, latency: Duration) {
        self.state.lock().unwrap().latency = latency;
    }

    /// Answers calls about an account, or with a token, with this status; 200 ends that.
    pub fn refuse(&self, about: &str, status: u16) {
        self.state.lock().unwrap().refusals.insert(about.to_owned(), status);
    }

    pub fn set_name(&self, name: &str) {
        self.state.lock().unwrap().name = Some(name.to_owned());
    }

    pub fn set_retry_after(&self, seconds: u32) {
        self.state.lock().unwrap().retry_after = Some(seconds);
    }

    pub fn set_down(&self, down: bool) {
        self.state.lock().unwrap().down = down;
    }
}

async fn axum_serve(listener: tokio::net::TcpListener, routes: Router) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let service = hyper_util::service::TowerToHyperService::new(routes.clone());
        tokio::spawn(async move {
            let io = hyper_util::rt::TokioIo::new(stream);
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
        });
    }
}

/// Counts a call that is being answered, also where its caller has gone.
struct UnderWay(Arc<Mutex<Seen>>);

impl UnderWay {
    fn new(state: &Arc<Mutex<Seen>>) -> Self {
        let (now, most) = &mut state.lock().unwrap().under_way;
        *now += 1;
        *most = (*most).max(*now);
        Self(state.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.lock().unwrap().under_way.0 -= 1;
    }
}

async fn answer(
    State(state): State<Arc<Mutex<Seen>>>,
    Query(parameters): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let email = parameters.get("email").cloned().unwrap_or_default();
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let _under_way = UnderWay::new(&state);
    let (latency, refused, name, retry_after) = {
        let mut seen = state.lock().unwrap();
        seen.calls.push((Instant::now(), email.clone()));
        let refused = seen.refusals.get(&email).or_else(|| seen.refusals.get(token.trim_start_matches("Bearer ")));
        let refused = refused.copied().filter(|status| *status != 200).or(seen.down.then_some(503));
        let name = seen.name.clone().unwrap_or_else(|| "Zebedee".to_owned());
        (seen.latency, refused, name, seen.retry_after.unwrap_or(3).to_string())
    };
    tokio::time::sleep(latency).await;
    if let Some(status) = refused {
        let body = json!({ "success": false, "message": "", "data": null, "code": status }).to_string();
        let retry = if status == 429 { retry_after.as_str() } else { "" };
        let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
        if !retry.is_empty() {
            response.headers_mut().insert("retry-after", retry.parse().unwrap());
        }
        return response;
    }
    let rows: Vec<_> = (0..3)
        .map(|n| {
            json!({
                "_id": format!("{n:024x}"), "name": format!("{name} {email}"),
                "contact": { "_id": format!("{n:024x}"), "email": format!("canary-{n}@{email}.example"),
                    "phone": { "prefix": "44", "number": "7700900123" } },
                "type": "CUSTOMER", "status": "ACTIVE",
            })
        })
        .collect();
    let body = json!({ "success": true, "message": "", "data": rows, "code": 200 }).to_string();
    ([("content-type", "application/json")], body).into_response()
}
