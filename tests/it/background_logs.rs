//! Loads that go on behind their request, or are caused by it ahead of time: what they log names that request, at any level.

use std::time::Duration;

use axum::http::StatusCode;
use flowmatix_graphql::demo::{AGENCY_TOKEN, Demo, Scripted};
use serde_json::Value;

use crate::support::demo_settings;
use crate::support::service::{Service, start};

/// The binary over this vendor, where only warnings are logged.
fn over(demo: &Demo, settings: &[&str]) -> Service {
    let own = [
        &format!("upstream.url={}", demo.url()),
        "upstream.allow_http=true",
        "upstream.retry_ratio=0",
        "auth.mode=server",
        "auth.credential_env=VENDOR_TOKEN",
        "account.email=a@b.example",
        "account.type=AGENT",
        "http.rate_limit=0",
        // Where it listens is told at `info`.
        "log.level=warn,flowmatix_graphql::cli=info",
    ];
    let settings: Vec<String> = own.iter().chain(settings).map(|setting| (*setting).to_owned()).collect();
    start("serve", &settings, &[("VENDOR_TOKEN", AGENCY_TOKEN)])
}

/// Asks under this name; `None` when no answer came within a time.
async fn ask(service: &Service, id: &str, time_limit: Duration) -> Option<Value> {
    let client = reqwest::Client::builder().no_proxy().timeout(time_limit).build().unwrap();
    let post = client.post(service.url("/graphql")).header("content-type", "application/json");
    let post = post.header("x-request-id", id).body(r#"{"query":"{ teamMembers { totalCount stale } }"}"#);
    serde_json::from_str(&post.send().await.ok()?.text().await.ok()?).ok()
}

/// Waits until so many calls of the service have ended.
async fn ended(service: &Service, calls: usize) {
    for _ in 0..3000 {
        let metrics = reqwest::get(service.admin_url("/metrics")).await.unwrap().text().await.unwrap();
        let lines = metrics.lines().filter(|line| line.starts_with("flowmatix_upstream_calls_total"));
        let counts = lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as usize);
        if counts.sum::<usize>() >= calls {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the calls never ended");
}

/// The requests that the failed loads of a log name.
fn named(log: &str) -> Vec<String> {
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let failed = lines.filter(|line| line["message"] == "no roster from the upstream");
    failed.map(|line| line["request_id"].as_str().unwrap_or("none").to_owned()).collect()
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_load_that_goes_on_behind_its_request_logs_that_requests_id() {
    let demo = Demo::start(&demo_settings()).unwrap();
    demo.script(None, Some(Scripted::ok(r#"{"data":[]}"#)));
    let service = over(&demo, &["roster.fresh_for=1ms", "roster.stale_wait=10ms", "roster.refresh_ahead=false"]);
    ask(&service, "warms", LONG).await.unwrap();
    let gate = demo.hold();
    demo.script(None, Some(Scripted::status(StatusCode::INTERNAL_SERVER_ERROR, "")));
    // The answer comes from the old roster; the load that the request started is still under way.
    let answer = ask(&service, "was-answered", LONG).await.unwrap();
    assert_eq!(answer["data"]["teamMembers"]["stale"], true);
    demo.arrived(2).await;
    ask(&service, "joined", LONG).await.unwrap();
    gate.send(true).unwrap();
    ended(&service, 2).await;
    let (well, _, log) = service.stop();
    assert!(well);
    assert_eq!(named(&log), ["was-answered"], "{log}");
}

#[tokio::test]
async fn a_load_whose_client_is_gone_logs_the_id_of_its_request() {
    let demo = Demo::start(&demo_settings()).unwrap();
    let gate = demo.hold();
    demo.script(None, Some(Scripted::status(StatusCode::INTERNAL_SERVER_ERROR, "")));
    let service = over(&demo, &["upstream.timeout=50s", "upstream.attempt_timeout=40s", "http.timeout=60s"]);
    let left = tokio::spawn({
        let url = service.url("/graphql");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let post = client.post(url).header("content-type", "application/json").header("x-request-id", "left");
        post.body(r#"{"query":"{ teamMembers { totalCount } }"}"#).send()
    });
    demo.arrived(1).await;
    left.abort();
    assert!(left.await.unwrap_err().is_cancelled());
    gate.send(true).unwrap();
    ended(&service, 1).await;
    let (well, _, log) = service.stop();
    assert!(well);
    assert_eq!(named(&log), ["left"], "{log}");
}

#[tokio::test]
async fn a_refresh_ahead_of_time_logs_the_id_of_the_request_that_caused_it() {
    let demo = Demo::start(&demo_settings()).unwrap();
    demo.script(None, Some(Scripted::ok(r#"{"data":[]}"#)));
    let service = over(&demo, &["roster.fresh_for=3s", "roster.stale_wait=1ms"]);
    ask(&service, "warms", LONG).await.unwrap();
    demo.script(None, Some(Scripted::status(StatusCode::INTERNAL_SERVER_ERROR, "")));
    let mut asked = 0;
    while demo.calls() == 1 {
        asked += 1;
        ask(&service, &format!("asks-{asked}"), LONG).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ended(&service, 2).await;
    let (well, _, log) = service.stop();
    assert!(well);
    // One of the last: the call arrives a little later than its request is answered.
    let named = named(&log);
    assert!(named.len() == 1 && named[0].starts_with("asks-"), "{asked}: {log}");
}
