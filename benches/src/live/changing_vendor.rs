//! A vendor in this process whose teams change with every call, and which knows when it answered what.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// The members of each team.
pub const MEMBERS: usize = 12;

/// What stands in front of the number of a state, in the first member's name.
pub const MARK: &str = "state ";

pub struct ChangingVendor {
    pub url: String,
    teams: Arc<Teams>,
}

#[derive(Default)]
struct Teams {
    changing: AtomicBool,
    accounts: Mutex<HashMap<String, Calls>>,
}

/// The calls for one account.
#[derive(Clone, Default)]
pub struct Calls {
    /// When each was answered.
    pub all: Vec<Instant>,
    /// When each state was answered first.
    pub states: Vec<Instant>,
}

impl ChangingVendor {
    /// Serves on a thread of its own until this process ends.
    pub fn start() -> Result<Self> {
        let teams = Arc::new(Teams::default());
        let (told, address) = std::sync::mpsc::channel();
        let routes = Router::new().route("/custom-user", get(answer)).with_state(teams.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| {
                runtime.block_on(async {
                    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
                    let _ = told.send(listener.local_addr()?);
                    axum::serve(listener, routes).await
                })
            })
        });
        let url = format!("http://{}/", address.recv().context("the vendor did not start")?);
        Ok(Self { url, teams })
    }

    /// Whether each call changes the team that it asks for.
    pub fn set_changing(&self, changing: bool) {
        self.teams.changing.store(changing, Ordering::Release);
    }

    /// Forgets all calls and states.
    pub fn reset(&self) {
        self.teams.accounts().clear();
    }

    /// What an account's calls were.
    pub fn calls(&self, account: &str) -> Calls {
        self.teams.accounts().get(account).cloned().unwrap_or_default()
    }
}

impl Teams {
    fn accounts(&self) -> MutexGuard<'_, HashMap<String, Calls>> {
        self.accounts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

async fn answer(State(teams): State<Arc<Teams>>, Query(parameters): Query<HashMap<String, String>>) -> Response {
    let Some(account) = parameters.get("email") else { return StatusCode::BAD_REQUEST.into_response() };
    let mut accounts = teams.accounts();
    let calls = accounts.entry(account.clone()).or_default();
    let is_new = calls.states.is_empty() || teams.changing.load(Ordering::Acquire);
    let state = if is_new { calls.states.len() } else { calls.states.len() - 1 };
    let body = body(state);
    let now = Instant::now();
    calls.all.push(now);
    if is_new {
        calls.states.push(now);
    }
    drop(accounts);
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A team in its n-th state: some come, some go, and everybody has other messages to read.
pub fn body(state: usize) -> String {
    let mut body = String::from(r#"{"success":true,"message":"","data":["#);
    for n in 0..MEMBERS {
        let name = if n == 0 { format!("{MARK}{state}") } else { format!("Member {n}") };
        let availability = if (n + state).is_multiple_of(3) { "ONLINE" } else { "OFFLINE" };
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(
            body,
            r#"{comma}{{"_id":"65f1{n:020x}","name":"{name}","contact":{{"phone":{{"number":"55501000{n:02}","prefix":"91"}},"_id":"65f2{n:020x}","email":"member.{n}@lantern-books.example"}},"picture":"https://cdn.example.com/avatars/{n}.svg","liveAvailability":"{availability}","leadsVisibility":"ALL","status":"ACTIVE","description":"","type":"AGENT","unreadMessages":{},"_role":"65f3{:020x}","_parent":"65f40000000000000000000a","createdAt":"2024-04-18T14:10:22.000Z","updatedAt":"2024-05-18T14:37:24.000Z","__v":0}}"#,
            (state + 7 * n) % 60,
            n % 3,
        );
    }
    body.push_str(r#"],"code":200,"meta":""}"#);
    body
}
