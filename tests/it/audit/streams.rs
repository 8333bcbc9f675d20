//! Subscriptions and other operations of streams in the audit log.

use flowmatix_graphql::demo::{ACCOUNTS, AGENCY_TOKEN};
use serde_json::{Value, json};

use super::{records, target};
use crate::support::{Events, Keys, Socket, TempFile, TestApp};

const CHANGES: &str = "subscription Watch { teamChanges { upserted { id contact { email } } removedIds } }";

fn brief<'r>(record: &'r Value, names: &[&str]) -> Vec<&'r Value> {
    names.iter().map(|name| &record[*name]).collect()
}

#[tokio::test]
async fn a_subscription_is_recorded_when_it_begins_and_with_its_events_when_it_ends() {
    let file = target();
    let app = TestApp::with(&[("audit.target", file.as_str()), ("live.interval_floor", "100ms")]).await;
    let request = app.post().header("accept", "text/event-stream");
    let mut events = Events::open(request.body(json!({ "query": CHANGES }).to_string())).await;
    let name = events.header("x-request-id").to_owned();
    events.next().await;
    let found = records(&file, 1).await;
    let shown = brief(&found[0], &["event", "transport", "operationName", "operationType", "outcome"]);
    assert_eq!(shown, [&json!("subscribed"), &json!("sse"), &json!("Watch"), &json!("subscription"), &json!("ok")]);
    assert_eq!(found[0]["personalData"], json!(["TeamMember.contact", "TeamMemberContact.email"]));
    assert_eq!(found[0]["requestId"], name.as_str());
    drop(events);
    let end = records(&file, 2).await.pop().unwrap();
    let shown = brief(&end, &["event", "reason", "events", "rows", "requestId"]);
    let expected = [&json!("ended"), &json!("client"), &json!(1), &json!(ACCOUNTS[0].members), &json!(name)];
    assert_eq!(shown, expected);
    assert_eq!(
        brief(&end, &["caller", "accounts", "personalData"]),
        brief(&found[0], &["caller", "accounts", "personalData"])
    );
}

#[tokio::test]
async fn each_operation_of_a_socket_is_recorded_under_the_name_of_its_request() {
    let file = target();
    let app = TestApp::with(&[("audit.target", file.as_str())]).await;
    let mut socket = Socket::ready(app.app.address(), json!({})).await;
    socket.subscribe("a", CHANGES).await;
    assert_eq!(socket.message().await["type"], "next");
    socket.subscribe("b", "{ teamMembers(first: 2) { nodes { id } } }").await;
    while socket.message().await["type"] != "complete" {}
    socket.subscribe("c", "{ nothing }").await;
    assert_eq!(socket.message().await["type"], "error");
    let found = records(&file, 3).await;
    let shown: Vec<_> = found.iter().map(|record| brief(record, &["event", "outcome", "rows"])).collect();
    assert_eq!(shown[0], [&json!("subscribed"), &json!("ok"), &json!(0)]);
    assert_eq!(shown[1], [&json!("request"), &json!("ok"), &json!(2)]);
    assert_eq!(shown[2], [&json!("request"), &json!("refused"), &json!(0)]);
    assert!(found.iter().all(|record| record["transport"] == "websocket"));
    assert!(found.iter().all(|record| record["requestId"] == found[0]["requestId"] && record["requestId"] != ""));
    // A stop ends the subscription, and what it sent is recorded before the process ends.
    app.app.stop().await;
    let end = records(&file, 4).await.pop().unwrap();
    assert_eq!(brief(&end, &["event", "reason", "events"]), [&json!("ended"), &json!("drain"), &json!(1)]);
}

#[tokio::test]
async fn a_socket_whose_caller_is_not_let_in_is_recorded() {
    let file = target();
    let keys = Keys::new(&[("one", &[0], true)]);
    let [mode, keys_file] = keys.settings();
    let token = TempFile::new("token", AGENCY_TOKEN);
    let settings = [mode, keys_file, ("auth.credential_file", token.as_str()), ("audit.target", file.as_str())];
    let app = TestApp::with(&settings).await;
    let mut socket = Socket::open(app.app.address(), &[]).await;
    socket.send(json!({ "type": "connection_init", "payload": { "Authorization": "Bearer nonsense" } })).await;
    assert_eq!(socket.closed().await.0, 4403);
    let found = records(&file, 1).await;
    assert_eq!(
        brief(&found[0], &["caller", "outcome", "codes"]),
        [&Value::Null, &json!("refused"), &json!(["UNAUTHENTICATED"])]
    );
}
