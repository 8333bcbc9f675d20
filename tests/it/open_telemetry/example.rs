//! The traces of docs/observability.md: what a receiver gets of a cold query, and of three that wait for one call.

use std::fmt::Write as _;

use serde_json::json;

use super::receiver::{Received, Receiver};
use super::traced;
use crate::support::TestApp;

const QUERY: &str = "query Names { teamMembers(first: 3) { nodes { name } } }";

async fn ask(app: &TestApp, id: &str) {
    let post = app.post().header("x-request-id", id).body(json!({ "query": QUERY }).to_string());
    assert_eq!(post.send().await.unwrap().status(), 200);
}

/// The spans, each under its parent, numbered in this order. What differs each time is left out.
fn printed(spans: &[Received]) -> String {
    let mut ordered: Vec<(usize, &Received)> = Vec::new();
    // The one with the call first, then by the names of requests.
    let has_call = |server: &Received| spans.iter().any(|span| span.parent == server.id);
    let mut servers: Vec<_> = spans.iter().filter(|span| span.is_server).collect();
    servers.sort_by_key(|server| (!has_call(server), server.get("flowmatix.request.id").to_string()));
    for server in servers {
        ordered.push((0, server));
        ordered.extend(spans.iter().filter(|span| span.parent == server.id).map(|span| (1, span)));
    }
    let number = |id: &str| ordered.iter().position(|(_, span)| span.id == id).map(|at| at + 1);
    let mut text = String::new();
    for (at, (depth, span)) in ordered.iter().enumerate() {
        let indent = "  ".repeat(*depth);
        let kind = if span.is_server { "SERVER" } else { "CLIENT" };
        writeln!(text, "{indent}span {} {kind} {}", at + 1, span.name).unwrap();
        for (name, value) in &span.attributes {
            let differs = ["server.port", "flowmatix.document.names"].contains(&name.as_str());
            let value = if differs { "…".to_owned() } else { value.to_string() };
            writeln!(text, "{indent}  {name} = {value}").unwrap();
        }
        for (_, id) in &span.links {
            writeln!(text, "{indent}  linked to span {}", number(id).unwrap()).unwrap();
        }
    }
    text
}

/// What stands in the page under this name.
fn shown(name: &str) -> String {
    let page = std::fs::read_to_string(format!("{}/docs/observability.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (start, end) = (format!("<!-- {name} -->\n```text\n"), format!("```\n<!-- /{name} -->"));
    let inside = page.split_once(&start).and_then(|(_, rest)| rest.split_once(&end));
    inside.unwrap_or_else(|| panic!("the page has no {name}")).0.to_owned()
}

#[tokio::test]
async fn the_page_shows_the_trace_of_a_cold_query() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &[], &[]).await;
    ask(&app, "cold").await;
    let printed = printed(&receiver.until(2, |_| true).await);
    assert_eq!(printed, shown("cold query"), "put this into docs/observability.md:\n{printed}");
}

#[tokio::test]
async fn the_page_shows_the_traces_of_three_requests_with_one_call() {
    let receiver = Receiver::start().await;
    let app = traced(&receiver, &[], &[]).await;
    let gate = app.demo.hold();
    let others = async {
        app.demo.arrived(1).await;
        tokio::join!(ask(&app, "second"), ask(&app, "third"));
    };
    let open = async {
        while app.metric("flowmatix_requests_in_flight").await < 3.0 {
            tokio::task::yield_now().await;
        }
        gate.send(true).unwrap();
    };
    tokio::join!(ask(&app, "first"), others, open);
    let printed = printed(&receiver.until(4, |_| true).await);
    assert_eq!(printed, shown("three requests"), "put this into docs/observability.md:\n{printed}");
}
