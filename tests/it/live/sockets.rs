//! WebSockets: `graphql-transport-ws` as the protocol has it.

use serde_json::{Value, json};

use super::{AVAILABILITY, availabilities, quick, set};
use crate::support::{Frame, Socket};

#[tokio::test]
async fn subscriptions_queries_and_mistakes_share_a_socket() {
    let app = quick(&[]).await;
    let mut socket = Socket::ready(app.app.address(), json!({})).await;
    assert!(
        socket.head.to_ascii_lowercase().contains("sec-websocket-protocol: graphql-transport-ws"),
        "{}",
        socket.head
    );
    socket.subscribe("a", AVAILABILITY).await;
    let first = socket.message().await;
    assert_eq!((&first["id"], &first["type"]), (&json!("a"), &json!("next")));
    assert_eq!(availabilities(&first["payload"]), ["ONLINE", "OFFLINE"]);
    socket.subscribe("b", "{ teamMembers { totalCount } }").await;
    let next = socket.message().await;
    assert_eq!((&next["id"], &next["payload"]["data"]["teamMembers"]["totalCount"]), (&json!("b"), &json!(2)));
    assert_eq!(socket.message().await, json!({ "id": "b", "type": "complete" }));
    socket.subscribe("c", "{ nothing }").await;
    let error = socket.message().await;
    assert_eq!((&error["id"], &error["type"]), (&json!("c"), &json!("error")));
    assert_eq!(error["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    set(&app, &["OFFLINE", "OFFLINE"]);
    let event = socket.message().await;
    assert_eq!(availabilities(&event["payload"]), ["OFFLINE", "OFFLINE"]);
    socket.send(json!({ "id": "a", "type": "complete" })).await;
    // The id is free again, and nothing more comes of the old one.
    socket.subscribe("a", "subscription { team { stale } }").await;
    assert_eq!(socket.message().await["payload"]["data"]["team"], json!({ "stale": false }));
}

#[tokio::test]
async fn pings_are_answered_with_their_payload_before_and_after_the_start() {
    let app = quick(&[]).await;
    let mut socket = Socket::open(app.app.address(), &[]).await;
    socket.send(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(socket.next().await, Frame::Message(json!({ "type": "pong", "payload": { "n": 1 } })));
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.message().await, json!({ "type": "connection_ack" }));
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.message().await, json!({ "type": "pong" }));
    socket.frame(0x89, b"x").await;
    assert_eq!(socket.next().await, Frame::Pong);
}

#[tokio::test]
async fn each_offence_closes_with_the_protocols_own_code() {
    let app = quick(&[("live.init_timeout", "300ms")]).await;
    let address = app.app.address();
    let mut late = Socket::open(address, &[]).await;
    assert_eq!(late.closed().await, (4408, "Connection initialisation timeout".into()));
    let mut early = Socket::open(address, &[]).await;
    early.subscribe("a", AVAILABILITY).await;
    assert_eq!(early.closed().await, (4401, "Unauthorized".into()));
    let mut twice = Socket::ready(address, json!({})).await;
    twice.send(json!({ "type": "connection_init" })).await;
    assert_eq!(twice.closed().await, (4429, "Too many initialisation requests".into()));
    let mut same = Socket::ready(address, json!({})).await;
    same.subscribe("a", AVAILABILITY).await;
    same.subscribe("a", AVAILABILITY).await;
    assert_eq!(same.closed().await, (4409, "Subscriber for a already exists".into()));
    let mut other = Socket::open(address, &[("sec-websocket-protocol", "graphql-ws")]).await;
    assert_eq!((other.status, other.closed().await), (101, (4406, "Subprotocol not acceptable".into())));
}

#[tokio::test]
async fn an_operation_can_be_named_by_its_hash() {
    let app = quick(&[]).await;
    let hash = |text: &str| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(AVAILABILITY) } });
    let mut socket = Socket::ready(app.app.address(), json!({})).await;
    let ask = |id: &str, query: Value| json!({ "id": id, "type": "subscribe", "payload": { "query": query, "extensions": extensions } });
    socket.send(ask("a", json!(null))).await;
    assert_eq!(socket.message().await["payload"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
    socket.send(ask("b", json!(AVAILABILITY))).await;
    assert_eq!(availabilities(&socket.message().await["payload"]).len(), 2);
    socket.send(json!({ "id": "b", "type": "complete" })).await;
    socket.send(ask("c", json!(null))).await;
    assert_eq!(availabilities(&socket.message().await["payload"]).len(), 2);
}

#[tokio::test]
async fn a_subscriber_says_how_often() {
    let app = quick(&[("live.interval", "20s")]).await;
    let mut socket = Socket::ready(app.app.address(), json!({ "x-flowmatix-max-age": "7" })).await;
    let live = |message: Value| message["payload"]["extensions"]["live"]["intervalSeconds"].clone();
    socket.subscribe("a", AVAILABILITY).await;
    assert_eq!(live(socket.message().await), json!(7.0));
    let payload = json!({ "query": "subscription { team { stale } }", "extensions": { "live": { "interval": 2.5 } } });
    socket.send(json!({ "id": "b", "type": "subscribe", "payload": payload })).await;
    assert_eq!(live(socket.message().await), json!(2.5));
    let payload = json!({ "query": AVAILABILITY, "extensions": { "live": { "interval": -1 } } });
    socket.send(json!({ "id": "c", "type": "subscribe", "payload": payload })).await;
    assert_eq!(socket.message().await["payload"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn pages_of_other_origins_may_not_connect_unless_they_are_named() {
    let app = quick(&[("http.cors_origins", "https://app.example")]).await;
    let address = app.app.address();
    let own = format!("http://{address}");
    for (origin, status) in
        [("https://app.example", 101), (own.as_str(), 101), ("https://evil.example", 403), ("null", 403), ("", 403)]
    {
        assert_eq!(Socket::open(address, &[("origin", origin)]).await.status, status, "{origin}");
    }
}
