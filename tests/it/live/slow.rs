//! Clients that take nothing, and events that find no memory: the stream is cut in time, and says why to whoever counts.

use axum::http::Request;
use bytes::Bytes;
use flowmatix_graphql::demo::ACCOUNTS;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use super::QUICK;
use crate::support::{Events, Keys, TestApp};

/// Shows each member's description sixty times.
fn wide(operation: &str) -> String {
    let fields: Vec<_> = (0..60).map(|n| format!("a{n}: description")).collect();
    format!("{operation} {{ nodes {{ {} }} }}", fields.join(" "))
}

fn describe(app: &TestApp, members: usize, text: &str) {
    let row = |n: usize| json!({ "_id": format!("m{n}"), "name": "x", "description": text });
    app.demo.set_team(ACCOUNTS[0].email, (0..members).map(row).collect());
}

async fn ended(app: &TestApp, reason: &str) -> f64 {
    app.metric(&format!("flowmatix_subscriptions_ended_total{{reason=\"{reason}\"}}")).await
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_a_body_is_counted_as_slow() {
    let pairs: Vec<_> = QUICK.into_iter().chain([("http.send_timeout", "1s"), ("live.ping_interval", "60s")]).collect();
    let app = TestApp::with(&pairs).await;
    for (n, accept) in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"].into_iter().enumerate() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(app.app.address()).await.unwrap();
        let body = json!({ "query": format!("subscription {{ team {{ {} }} }}", wide("members")) }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut state = 0;
        while ended(&app, "slow").await < (n + 1) as f64 {
            state += 1;
            describe(&app, 60, &format!("{}{state}", "x".repeat(500)));
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            assert!(state < 300, "it was never dropped: {accept}");
        }
        assert_eq!(ended(&app, "client").await, 0.0);
    }
}

/// Most of a caller's memory for answers, held by two that are not taken.
struct Hoard {
    _answers: Vec<axum::http::Response<h2::RecvStream>>,
    _client: h2::client::SendRequest<Bytes>,
}

impl Hoard {
    async fn new(app: &TestApp, key: &str) -> Self {
        let stream = TcpStream::connect(app.app.address()).await.unwrap();
        // Its client lets nothing in.
        let (client, connection) = h2::client::Builder::new().initial_window_size(0).handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut client = client.ready().await.unwrap();
        let mut answers = Vec::new();
        for _ in 0..2 {
            client = client.ready().await.unwrap();
            let request = Request::post("http://localhost/graphql").header("content-type", "application/json");
            let request = request.header("authorization", format!("Bearer {key}"));
            let (response, mut sending) = client.send_request(request.body(()).unwrap(), false).unwrap();
            let body = json!({ "query": format!("{{ {} }}", wide("teamMembers")) }).to_string();
            sending.send_data(body.into(), true).unwrap();
            let answer = response.await.unwrap();
            assert_eq!(answer.status(), 200);
            answers.push(answer);
        }
        Self { _answers: answers, _client: client }
    }
}

/// A service in which a caller may have 32 KiB of answers, and answers have 12 KiB.
async fn narrow(keys: &Keys, pairs: &[(&str, &str)]) -> TestApp {
    let narrow = [
        ("http.responses_limit", "128KiB"),
        ("graphql.response_limit", "16KiB"),
        ("http.timeout", "60s"),
        ("live.ping_interval", "60s"),
    ];
    let pairs: Vec<_> = QUICK.into_iter().chain(narrow).chain(keys.settings()).chain(pairs.iter().copied()).collect();
    let app = TestApp::with(&pairs).await;
    describe(&app, 2, &"x".repeat(90));
    app
}

async fn subscribe_to_much(app: &TestApp, key: &str, accept: &str) -> Events {
    let body = json!({ "query": format!("subscription {{ team {{ {} }} }}", wide("members")) });
    let events = Events::open(app.post().bearer_auth(key).header("accept", accept).body(body.to_string())).await;
    assert_eq!(events.status(), 200);
    events
}

#[tokio::test]
async fn an_event_that_finds_no_memory_cuts_the_stream_after_the_send_timeout() {
    let keys = Keys::new(&[("hoards", &[0], true), ("other", &[0], true)]);
    let app = narrow(&keys, &[("http.send_timeout", "1s")]).await;
    let _hoard = Hoard::new(&app, keys.key(0)).await;
    for (n, accept) in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"].into_iter().enumerate() {
        let mut events = subscribe_to_much(&app, keys.key(0), accept).await;
        let rest = events.rest().await;
        // It breaks off: the end that the protocol has would keep the client from coming back.
        assert!(!rest.contains("complete") && !rest.contains("graphql--"), "{rest}");
        assert!(!rest.contains("xxxx"), "{rest}");
        assert_eq!(ended(&app, "slow").await, (n + 1) as f64);
        // Nobody else is held up.
        let mut events = subscribe_to_much(&app, keys.key(1), accept).await;
        assert!(events.until("xxxx").await.is_some());
    }
}

#[tokio::test]
async fn a_stream_that_waits_for_memory_still_ends_with_its_lifetime_its_rights_and_the_service() {
    let keys = Keys::new(&[("goes", &[0], true), ("stays", &[0], true)]);
    let app = narrow(&keys, &[("http.send_timeout", "60s"), ("live.lifetime", "2s")]).await;
    let hoard = Hoard::new(&app, keys.key(0)).await;
    let mut events = subscribe_to_much(&app, keys.key(0), "text/event-stream").await;
    assert_eq!(events.event().await.unwrap().0, "complete");
    assert_eq!(ended(&app, "lifetime").await, 1.0);
    drop((events, hoard));

    let app = narrow(&keys, &[("http.send_timeout", "60s"), ("http.grace_period", "20s")]).await;
    let _hoard = Hoard::new(&app, keys.key(1)).await;
    let hoard = Hoard::new(&app, keys.key(0)).await;
    let mut goes = subscribe_to_much(&app, keys.key(0), "text/event-stream").await;
    let mut stays = subscribe_to_much(&app, keys.key(1), "text/event-stream").await;
    let text = std::fs::read_to_string(keys.file.path()).unwrap();
    let kept = text.split_inclusive("[[key]]").collect::<Vec<_>>();
    keys.file.replace(&format!("[[key]]{}", kept.last().unwrap()));
    assert_eq!(goes.next().await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(goes.event().await.unwrap().0, "complete");
    drop(hoard);
    let stop = tokio::spawn(app.app.stop());
    assert_eq!(stays.event().await.unwrap().0, "complete");
    stop.abort();
}

#[tokio::test]
async fn an_event_that_waits_comes_when_there_is_memory_again() {
    let keys = Keys::new(&[("hoards", &[0], true)]);
    let app = narrow(&keys, &[("http.send_timeout", "60s")]).await;
    let hoard = Hoard::new(&app, keys.key(0)).await;
    let mut events = subscribe_to_much(&app, keys.key(0), "text/event-stream").await;
    describe(&app, 2, &"y".repeat(90));
    drop(hoard);
    // The one that waited, and then the newest.
    let shown = |payload: &serde_json::Value| {
        payload["data"]["team"]["members"]["nodes"][1]["a59"].as_str().unwrap().to_owned()
    };
    while shown(&events.next().await) != "y".repeat(90) {}
}
