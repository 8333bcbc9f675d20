//! What runs over a WebSocket besides subscriptions, how documents are named there, and WebSockets as streams of HTTP/2.

use flowmatix_graphql::demo::{ACCOUNTS, AGENCY_TOKEN};
use serde_json::{Value, json};

use super::{AVAILABILITY, QUICK, availabilities, quick, set};
use crate::support::{Events, Keys, Socket, TempFile, TestApp};

const ISSUE: &str = "mutation($a: AccountInput!) { issuePermanentToken(account: $a) { token } }";

fn account(index: usize) -> Value {
    json!({ "a": { "email": ACCOUNTS[index].email, "type": ACCOUNTS[index].user_type } })
}

/// The calls that asked the sample for a token.
fn issued(app: &TestApp) -> usize {
    app.demo.log().iter().filter(|call| call.path == "/ext/get-user-token").count()
}

async fn ask(socket: &mut Socket, id: &str, payload: Value) -> Value {
    socket.send(json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    let answer = socket.message().await;
    assert_eq!(answer["id"], id);
    if answer["type"] == "next" {
        assert_eq!(socket.message().await, json!({ "id": id, "type": "complete" }));
    }
    answer
}

#[tokio::test]
async fn a_mutation_runs_once_over_each_transport_and_its_answer_is_the_only_event() {
    let app = TestApp::with(&[("tokens.enabled", "true"), ("auth.mode", "passthrough")]).await;
    let bearer = format!("Bearer {AGENCY_TOKEN}");
    let mut socket = Socket::ready(app.app.address(), json!({ "authorization": bearer })).await;
    let answer = ask(&mut socket, "a", json!({ "query": ISSUE, "variables": account(2) })).await;
    assert_eq!(answer["payload"]["data"]["issuePermanentToken"]["token"], "demo-pines-permanent");
    assert_eq!((issued(&app), app.demo.calls()), (1, 1));
    // Completing it afterwards, and the same id again, are as for every operation.
    socket.send(json!({ "id": "a", "type": "complete" })).await;
    let answer = ask(&mut socket, "a", json!({ "query": ISSUE, "variables": account(0) })).await;
    assert_eq!(answer["payload"]["data"]["issuePermanentToken"]["token"], "demo-lantern-permanent");
    assert_eq!(issued(&app), 2);

    let body = json!({ "query": ISSUE, "variables": account(2) }).to_string();
    let request = app.post().bearer_auth(AGENCY_TOKEN).header("accept", "text/event-stream").body(body.clone());
    let mut events = Events::open(request).await;
    assert_eq!(events.next().await["data"]["issuePermanentToken"]["token"], "demo-pines-permanent");
    assert_eq!(events.event().await.unwrap().0, "complete");
    assert_eq!(issued(&app), 3);
    // A GET changes nothing, whatever it accepts.
    let get = app.client.get(app.url()).query(&[("query", ISSUE), ("variables", &account(2).to_string())]);
    let get =
        get.bearer_auth(AGENCY_TOKEN).header("accept", "text/event-stream").header("apollo-require-preflight", "1");
    let refused = Events::open(get).await.next().await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "METHOD_NOT_ALLOWED");
    assert_eq!(issued(&app), 3);
}

#[tokio::test]
async fn a_mutation_over_a_socket_needs_the_scope_and_the_account_as_everywhere() {
    let keys = Keys::new(&[("reads", &[0], true)]);
    let pairs: Vec<_> = keys.settings().into_iter().chain([("tokens.enabled", "true")]).collect();
    let app = TestApp::with(&pairs).await;
    let mut socket =
        Socket::ready(app.app.address(), json!({ "authorization": format!("Bearer {}", keys.key(0)) })).await;
    for index in [0, 1] {
        let answer = ask(&mut socket, "a", json!({ "query": ISSUE, "variables": account(index) })).await;
        assert_eq!(answer["payload"]["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer:#}");
    }
    // A mutation with an argument that is none is not executed.
    let answer = ask(&mut socket, "a", json!({ "query": ISSUE, "variables": {} })).await;
    assert_eq!(
        (&answer["type"], &answer["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("BAD_USER_INPUT"))
    );
    assert_eq!(app.demo.calls(), 0);
}

#[tokio::test]
async fn ids_of_the_list_name_subscriptions_queries_and_mutations_over_every_transport() {
    let query = "{ teamMembers { totalCount } }";
    let list = json!({ "live~v1": AVAILABILITY, "1f8b7ee2b1b3d1f0c7a5b8a0e0c7d2aa": query, "issue~v1": ISSUE });
    let list = TempFile::new("manifest.json", &list.to_string());
    let pairs = [
        ("documents.manifest", list.as_str()),
        ("documents.safelist", "enforce"),
        ("tokens.enabled", "true"),
        ("auth.mode", "passthrough"),
    ];
    let app = quick(&pairs).await;
    let bearer = format!("Bearer {AGENCY_TOKEN}");
    let mut socket = Socket::ready(app.app.address(), json!({ "authorization": bearer })).await;
    for name in ["documentId", "doc_id"] {
        let answer = ask(&mut socket, "q", json!({ name: "1f8b7ee2b1b3d1f0c7a5b8a0e0c7d2aa" })).await;
        assert_eq!(answer["payload"]["data"]["teamMembers"]["totalCount"], 2);
        let answer = ask(&mut socket, "m", json!({ name: "issue~v1", "variables": account(2) })).await;
        assert_eq!(answer["payload"]["data"]["issuePermanentToken"]["token"], "demo-pines-permanent");
        let payload = json!({ name: "live~v1" });
        socket.send(json!({ "id": "s", "type": "subscribe", "payload": payload })).await;
        assert_eq!(availabilities(&socket.message().await["payload"]).len(), 2);
        socket.send(json!({ "id": "s", "type": "complete" })).await;
        let mut events = Events::open(
            app.post().bearer_auth(AGENCY_TOKEN).header("accept", "text/event-stream").body(payload.to_string()),
        )
        .await;
        assert_eq!(availabilities(&events.next().await).len(), 2);
        for (payload, code) in [
            (json!({ name: "live~v2" }), "PERSISTED_QUERY_NOT_FOUND"),
            (json!({ name: 7 }), "BAD_REQUEST"),
            (json!({ name: "live~v1", "query": query }), "PERSISTED_QUERY_HASH_MISMATCH"),
            (json!({ "query": "subscription { team { stale } }" }), "QUERY_NOT_IN_SAFELIST"),
        ] {
            let answer = ask(&mut socket, "e", payload.clone()).await;
            assert_eq!(
                (&answer["type"], &answer["payload"][0]["extensions"]["code"]),
                (&json!("error"), &json!(code)),
                "{payload}"
            );
        }
    }
    assert_eq!(issued(&app), 2);
}

#[tokio::test]
async fn a_websocket_is_a_stream_of_an_http2_connection_too() {
    let app = quick(&[("live.idle_timeout", "60s")]).await;
    let (mut client, connection) = Socket::http2(app.app.address()).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = Socket::over_http2(&mut client, app.app.address(), &[]).await;
        assert_eq!(socket.status, 200);
        socket.send(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.message().await["type"], "connection_ack");
        socket.subscribe("a", AVAILABILITY).await;
        assert_eq!(availabilities(&socket.message().await["payload"]), ["ONLINE", "OFFLINE"]);
        sockets.push(socket);
    }
    assert_eq!(app.metric("flowmatix_websockets_open").await, 3.0);
    set(&app, &["OFFLINE", "OFFLINE"]);
    for socket in &mut sockets {
        assert_eq!(availabilities(&socket.message().await["payload"]), ["OFFLINE", "OFFLINE"]);
    }
    // Each ends for itself, with its own code.
    let mut socket = sockets.pop().unwrap();
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.closed().await.0, 4429);
    let answer = ask(&mut sockets[0], "b", json!({ "query": "{ teamMembers { totalCount } }" })).await;
    assert_eq!(answer["payload"]["data"]["teamMembers"]["totalCount"], 2);
    // Another origin's page is refused as over HTTP/1.1.
    let foreign = Socket::over_http2(&mut client, app.app.address(), &[("origin", "https://evil.example")]).await;
    assert_eq!(foreign.status, 403);
    // They end with their connection.
    connection.abort();
    while app.metric("flowmatix_websockets_open").await > 0.0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stop_closes_websockets_over_http2_with_1001() {
    let app = quick(&[("http.grace_period", "20s")]).await;
    let (mut client, _connection) = Socket::http2(app.app.address()).await;
    let mut socket = Socket::over_http2(&mut client, app.app.address(), &[]).await;
    socket.send(json!({ "type": "connection_init" })).await;
    socket.subscribe("a", AVAILABILITY).await;
    while socket.message().await["type"] != "next" {}
    let stop = tokio::spawn(app.app.stop());
    assert_eq!(socket.closed().await.0, 1001);
    drop((socket, client));
    tokio::time::timeout(std::time::Duration::from_secs(15), stop).await.expect("it does not wait").unwrap();
}

#[tokio::test]
async fn a_connect_that_is_no_websocket_is_refused() {
    let app = TestApp::with(&QUICK).await;
    let (mut client, _connection) = Socket::http2(app.app.address()).await;
    let status = Socket::connect_as(&mut client, app.app.address(), "connect-udp", &[]).await.0;
    assert_eq!(status, 405);
}
