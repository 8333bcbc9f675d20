//! Streams in the log of the real binary: each operation of a WebSocket has a line as a request over HTTP has, and each subscription
//! one more when it has ended.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::service::{Service, start};
use crate::support::{Events, Keys, Socket};

const COUNT: &str = "{ teamMembers { totalCount } }";
const WATCH: &str = "subscription { team { stale } }";

fn address(service: &Service) -> SocketAddr {
    service.url("").trim_start_matches("http://").parse().unwrap()
}

/// A socket of a request with this name.
async fn socket(service: &Service, name: &str, payload: Value) -> Socket {
    let trace = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let mut socket = Socket::open(address(service), &[("x-request-id", name), trace]).await;
    socket.initialise(payload).await;
    socket
}

/// Executes an operation, and returns the message with its answer.
async fn ask(socket: &mut Socket, query: &str) -> Value {
    socket.subscribe("asked", query).await;
    loop {
        let message = socket.message().await;
        if message["id"] == "asked" && message["type"] != "complete" {
            if message["type"] == "next" {
                while socket.message().await != json!({ "id": "asked", "type": "complete" }) {}
            }
            return message;
        }
    }
}

/// The lines about operations of streams, after a stop.
async fn lines(service: Service) -> (Vec<Value>, String) {
    let (_, _, log) = tokio::task::spawn_blocking(|| service.stop()).await.unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    (lines.filter(|line| line.get("transport").is_some()).collect(), log)
}

fn told<'l>(line: &'l Value, names: &[&str]) -> Vec<&'l Value> {
    names.iter().map(|name| &line[*name]).collect()
}

#[tokio::test]
async fn each_operation_of_a_socket_has_a_line_as_a_request_over_http_has() {
    let service = start("demo", &["live.socket_operations_limit=1".to_owned()], &[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client.post(service.url("/graphql")).header("content-type", "application/json");
    post.body(json!({ "query": COUNT }).to_string()).send().await.unwrap();
    let mut socket = socket(&service, "my-socket", json!({})).await;
    ask(&mut socket, COUNT).await;
    let half = "{ a: teamMembers { totalCount } b: teamMembers(account: { email: \"canary@secret.example\", type: AGENT }) { totalCount } }";
    assert!(ask(&mut socket, half).await["payload"]["errors"].is_array());
    assert_eq!(ask(&mut socket, "{ canary }").await["type"], "error");
    socket.subscribe("open", WATCH).await;
    assert_eq!(socket.message().await["id"], "open");
    let too_many = ask(&mut socket, COUNT).await;
    let metrics = client.get(service.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
    let (lines, log) = lines(service).await;

    let all = ["message", "transport", "path", "outcome", "code"];
    let of = |outcome: &str, code: &Value| {
        [json!("answered"), json!("websocket"), json!("/graphql"), json!(outcome), code.clone()]
    };
    let expected = [
        of("ok", &Value::Null),
        of("partial", &json!("UPSTREAM_REJECTED")),
        of("refused", &json!("GRAPHQL_VALIDATION_FAILED")),
        of("ok", &Value::Null),
        of("refused", &too_many["payload"][0]["extensions"]["code"]),
    ];
    assert_eq!(lines.len(), 6, "{log}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert_eq!(told(line, &all), expected.iter().collect::<Vec<_>>());
        assert!(line["millis"].as_f64().unwrap() >= 0.0);
    }
    for line in &lines {
        assert_eq!(line["request_id"], "my-socket");
        assert_eq!(line["trace_id"].as_str().unwrap().len(), 32, "{line}");
    }
    let ended = ["message", "outcome", "reason", "events", "rows", "operations", "accounts"];
    let names = told(&lines[3], &["operations", "accounts"]);
    let expected = [&json!("ended"), &json!("ok"), &json!("drain"), &json!(1), &json!(0), names[0], names[1]];
    assert_eq!(told(&lines[5], &ended), expected);
    // The same document and account have the same names over HTTP.
    let http = log.lines().find(|line| line.contains(r#""method":"POST""#)).unwrap();
    let http: Value = serde_json::from_str(http).unwrap();
    let names = ["operations", "accounts"];
    assert!(http["operations"].is_string() && http["accounts"].is_string(), "{http}");
    assert_eq!(told(&lines[0], &names), told(&http, &names));
    assert_eq!(lines[1]["accounts"].as_str().unwrap().split(',').count(), 2);
    assert!(!log.contains("canary"), "{log}");
    // They are counted as requests over HTTP are.
    let counted = |operation: &str, outcome: &str| {
        let name = format!("flowmatix_requests_total{{operation=\"{operation}\",outcome=\"{outcome}\"}}");
        let line = metrics.lines().find(|line| line.starts_with(&name)).unwrap_or_else(|| panic!("{name}: {metrics}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert_eq!((counted("query", "ok"), counted("query", "partial")), (2.0, 1.0));
    let refused: f64 = ["none", "query"].iter().map(|kind| counted_or_none(&metrics, kind)).sum();
    assert_eq!(refused, 2.0);
}

fn counted_or_none(metrics: &str, operation: &str) -> f64 {
    let name = format!("flowmatix_requests_total{{operation=\"{operation}\",outcome=\"refused\"}}");
    let line = metrics.lines().find(|line| line.starts_with(&name));
    line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn an_operation_that_comes_to_nothing_has_a_line_that_says_why() {
    let service = start("demo", &["demo.latency=20s".to_owned()], &[]);
    let mut socket = socket(&service, "my-socket", json!({})).await;
    socket.subscribe("given-up", COUNT).await;
    socket.send(json!({ "id": "given-up", "type": "complete" })).await;
    socket.subscribe("cut-off", COUNT).await;
    // Messages are taken one after the other.
    ask(&mut socket, "{ __typename }").await;
    let (lines, log) = lines(service).await;
    let names = ["message", "outcome", "reason"];
    let shown: Vec<_> = lines.iter().map(|line| told(line, &names)).collect();
    assert_eq!(shown[0], [&json!("given up by its client"), &json!("cancelled"), &json!("client")], "{log}");
    assert_eq!(shown[1], [&json!("answered"), &json!("ok"), &Value::Null], "{log}");
    assert_eq!(shown[2], [&json!("cut off"), &json!("cancelled"), &json!("drain")], "{log}");
    assert_eq!(lines.len(), 3, "{log}");
    for line in [&lines[0], &lines[2]] {
        // What it was is known before anything is loaded for it.
        assert_eq!(line["operations"].as_str().map_or(0, str::len), 12, "{line}");
        assert_eq!((line["accounts"].as_str().map_or(0, str::len), &line["request_id"]), (12, &json!("my-socket")));
    }
}

#[tokio::test]
async fn a_caller_that_is_not_let_in_over_a_socket_has_a_line() {
    let keys = Keys::new(&[("one", &[0], true)]);
    let setting = format!("auth.keys_file={}", keys.file.as_str());
    let service = start("demo", &["auth.mode=api-keys".to_owned(), setting], &[]);
    let mut socket = Socket::open(address(&service), &[("x-request-id", "my-socket")]).await;
    socket.send(json!({ "type": "connection_init", "payload": { "authorization": "Bearer canary" } })).await;
    assert_eq!(socket.closed().await.0, 4403);
    let (lines, log) = lines(service).await;
    let [line] = lines.as_slice() else { panic!("{log}") };
    let names = ["message", "transport", "outcome", "code"];
    let expected = [&json!("answered"), &json!("websocket"), &json!("refused"), &json!("UNAUTHENTICATED")];
    assert_eq!(told(line, &names), expected);
    assert_eq!(line["request_id"], "my-socket");
    assert!(!log.contains("canary"), "{log}");
}

/// Their first line, with the status, is that of every request; what they came to is known at their end.
#[tokio::test]
async fn the_end_of_a_subscription_over_http_has_a_line() {
    let service = start("demo", &[], &[]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (transport, accepted) in
        [("sse", "text/event-stream"), ("multipart", "multipart/mixed;subscriptionSpec=\"1.0\"")]
    {
        let post = client.post(service.url("/graphql")).header("content-type", "application/json");
        let post = post.header("accept", accepted).header("x-request-id", transport);
        let mut events = Events::open(post.body(json!({ "query": WATCH }).to_string())).await;
        assert_eq!(events.status(), 200);
        events.until("stale").await.unwrap();
        // One ends because its client has gone, the other with the service.
        if transport == "sse" {
            drop(events);
            let ended = "flowmatix_subscriptions_ended_total{reason=\"client\"} 1";
            while !reqwest::get(service.admin_url("/metrics")).await.unwrap().text().await.unwrap().contains(ended) {
                tokio::task::yield_now().await;
            }
        } else {
            let (lines, log) = lines(service).await;
            for (line, expected) in lines.iter().zip([["sse", "client"], ["multipart", "drain"]]) {
                let [transport, reason] = expected.map(Value::from);
                let names = ["message", "transport", "outcome", "reason", "events"];
                assert_eq!(told(line, &names), [&json!("ended"), &transport, &json!("ok"), &reason, &json!(1)]);
                assert_eq!(line["request_id"], transport);
                let first = log
                    .lines()
                    .map(|line| serde_json::from_str::<Value>(line).unwrap())
                    .find(|first| first["message"] == "answered" && first["request_id"] == transport);
                let names = ["operations", "accounts"];
                assert_eq!(told(line, &names), told(&first.unwrap(), &names));
            }
            assert_eq!(lines.len(), 2, "{log}");
            return;
        }
    }
}
