//! Subscriptions and other operations of streams in the audit log.

use flowmatix_graphql::demo::{ACCOUNTS, AGENCY_TOKEN};
use serde_json::{Value, json};

use super::{records, target};
use crate::live::{QUICK, quick, set};
use crate::support::{AnyStream, Events, Keys, Socket, TempFile, TestApp};

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

/// The last record of a stream, in brief, once there are so many.
async fn last(file: &TempFile, count: usize) -> Vec<Value> {
    let record = records(file, count).await.pop().unwrap();
    assert_eq!(record["event"], "ended");
    ["outcome", "codes", "reason", "events"].map(|name| record[name].clone()).to_vec()
}

/// What it was is known from the events that were sent, whatever carried them.
#[tokio::test]
async fn errors_that_a_subscription_has_sent_are_in_the_record_of_its_end() {
    let unknown = "subscription { team(account: { email: \"unknown@nowhere.example\", type: AGENT }) { stale } }";
    let everybody = "subscription { team { members(first: 1000) { nodes { id liveAvailability } } } }";
    for transport in AnyStream::TRANSPORTS {
        let file = target();
        let app = quick(&[("audit.target", file.as_str()), ("graphql.response_limit", "16KiB")]).await;
        // Nothing but an error, until the client goes.
        let mut stream = AnyStream::open(&app, transport, unknown).await;
        assert!(stream.next().await["errors"].is_array());
        drop(stream);
        let expected = [json!("partial"), json!(["UPSTREAM_REJECTED"]), json!("client"), json!(1)];
        assert_eq!(last(&file, 2).await, expected, "{transport}");
        // A good one, and a refusal that is the end; then nothing but that refusal.
        let mut stream = AnyStream::open(&app, transport, everybody).await;
        assert!(stream.next().await["errors"].is_null());
        set(&app, &["ONLINE"; 400]);
        assert!(stream.next().await["errors"].is_array());
        let expected = [json!("partial"), json!(["RESPONSE_TOO_LARGE"]), json!("upstream"), json!(2)];
        assert_eq!(last(&file, 4).await, expected, "{transport}");
        let mut stream = AnyStream::open(&app, transport, everybody).await;
        assert!(stream.next().await["errors"].is_array());
        let expected = [json!("refused"), json!(["RESPONSE_TOO_LARGE"]), json!("upstream"), json!(1)];
        assert_eq!(last(&file, 6).await, expected, "{transport}");
    }
}

#[tokio::test]
async fn a_subscription_whose_caller_has_lost_its_rights_has_ended_with_that_refusal() {
    for transport in AnyStream::TRANSPORTS {
        let file = target();
        let keys = Keys::new(&[("goes", &[0], true), ("stays", &[0], true)]);
        let pairs: Vec<_> = QUICK.into_iter().chain(keys.settings()).chain([("audit.target", file.as_str())]).collect();
        let app = TestApp::with(&pairs).await;
        let mut stream =
            AnyStream::open_as(&app, transport, "subscription { team { stale } }", Some(keys.key(0))).await;
        stream.next().await;
        let text = std::fs::read_to_string(keys.file.path()).unwrap();
        keys.file.replace(&format!("[[key]]{}", text.split("[[key]]").last().unwrap()));
        stream.end().await;
        // A socket is closed with a code that means the same for all its operations.
        let code = if transport == "websocket" { "FORBIDDEN" } else { "UNAUTHENTICATED" };
        assert_eq!(last(&file, 2).await, [json!("partial"), json!([code]), json!("rights"), json!(1)], "{transport}");
    }
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
