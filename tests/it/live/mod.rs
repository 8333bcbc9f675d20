//! Live teams over real sockets: subscriptions over server-sent events, multipart responses and WebSockets, in front of the sample.

mod bad_frames;
mod bodies;
mod events;
mod limits;
mod rights;
mod slow;
mod socket_operations;
mod sockets;
mod stop;
mod taken_back;

use flowmatix_graphql::demo::ACCOUNTS;
use serde_json::{Value, json};

use crate::support::{Events, TestApp};

/// A team whose reading costs nothing and is always due.
pub const QUICK: [(&str, &str); 4] = [
    ("live.interval", "100ms"),
    ("live.interval_floor", "100ms"),
    ("budget.calls_per_hour", "1000000"),
    ("live.recheck_interval", "100ms"),
];

pub async fn quick(pairs: &[(&str, &str)]) -> TestApp {
    let pairs: Vec<_> = QUICK.iter().chain(pairs).copied().collect();
    let app = TestApp::with(&pairs).await;
    set(&app, &["ONLINE", "OFFLINE"]);
    app
}

/// Gives the first account members with these availabilities.
pub fn set(app: &TestApp, availabilities: &[&str]) {
    let row = |(n, availability): (usize, &&str)| json!({ "_id": format!("m{n}"), "name": format!("Member {n}"), "liveAvailability": availability });
    app.demo.set_team(ACCOUNTS[0].email, availabilities.iter().enumerate().map(row).collect());
}

pub const AVAILABILITY: &str = "subscription { team { members { nodes { id liveAvailability } } } }";

/// The availabilities in an event's payload.
pub fn availabilities(payload: &Value) -> Vec<&str> {
    let nodes = payload["data"]["team"]["members"]["nodes"].as_array().unwrap_or_else(|| panic!("{payload:#}"));
    nodes.iter().map(|node| node["liveAvailability"].as_str().unwrap()).collect()
}

/// Subscribes with server-sent events.
pub async fn subscribe(app: &TestApp, query: &str) -> Events {
    let request = app.post().header("accept", "text/event-stream").body(json!({ "query": query }).to_string());
    Events::open(request).await
}
