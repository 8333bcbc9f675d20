//! The log of the real binary is written beside its requests: every line is there soon, and at the end of the process, and a
//! standard error that takes nothing holds up no answer.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::service::{Service, start};

/// More than a pipe holds, by far, in lines of a few hundred bytes.
const REQUESTS: usize = 1000;

fn post(service: &Service) -> RequestBuilder {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.post(service.url("/graphql")).header("content-type", "application/json")
}

/// Asks so many times, over one connection, each with an id of its own.
async fn ask(service: &Service, times: usize) {
    let post = post(service).body(r#"{"query":"{ __typename }"}"#);
    for n in 0..times {
        let answer = post.try_clone().unwrap().header("x-request-id", format!("ask-{n}")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
    }
}

fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

fn assert_all(log: &str, times: usize) {
    let asked: Vec<_> = lines(log).iter().filter(|line| line["message"] == "answered").cloned().collect();
    let ids: Vec<_> = asked.iter().map(|line| line["request_id"].as_str().unwrap()).collect();
    let expected: Vec<_> = (0..times).map(|n| format!("ask-{n}")).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn a_line_is_there_soon_where_no_other_follows_it() {
    let mut service = start("demo", &[], &[]);
    ask(&service, 1).await;
    // It would wait for ever.
    service.logged_until("\"ask-0\"");
}

#[tokio::test]
async fn every_line_is_there_after_a_stop() {
    let service = start("demo", &[], &[]);
    ask(&service, 100).await;
    let (well, _, log) = service.stop();
    assert!(well, "{log}");
    assert_all(&log, 100);
    assert!(log.contains("\"stopping\""), "{log}");
}

#[tokio::test]
async fn every_line_is_there_when_a_second_signal_ends_the_process() {
    let mut service = start("demo", &["demo.latency=1m".to_owned()], &[]);
    let held =
        tokio::spawn(post(&service).body(json!({ "query": "{ teamMembers { totalCount } }" }).to_string()).send());
    ask(&service, 100).await;
    service.signal();
    service.logged_until("\"stopping\"");
    service.signal_and_wait();
    let log = service.log_to_its_end();
    held.abort();
    assert_all(&log, 100);
    assert!(log.contains("\"ended by a second signal\""), "{log}");
}

#[tokio::test]
async fn a_log_that_is_not_read_holds_up_neither_answers_nor_the_stop() {
    let mut service = start("demo", &[], &[]);
    ask(&service, REQUESTS).await;
    // Its pipe is full.
    service.signal_and_wait();
    let log = service.log_to_its_end();
    let whole = &log[..=log.rfind('\n').unwrap()];
    let answered = lines(whole).iter().filter(|line| line["message"] == "answered").count();
    assert!((100..REQUESTS).contains(&answered), "{answered}");
}

/// Each request has a warning for each of its documents, so that few of them fill the buffer.
#[tokio::test]
async fn lines_without_room_are_dropped_and_counted_and_the_log_says_so() {
    const BATCH: u64 = 10;
    let path = std::env::temp_dir().join(format!("flowmatix-dropped-lines-{}.json", std::process::id()));
    std::fs::write(&path, "{}").unwrap();
    let manifest = format!("documents.manifest={}", path.display());
    let batches = format!("graphql.batch_limit={BATCH}");
    let mut service = start("demo", &["documents.safelist=log".to_owned(), manifest, batches], &[]);
    let body = json!(vec![json!({ "query": "{ __typename }" }); BATCH as usize]).to_string();
    let batch = post(&service).header("x-request-id", "i".repeat(128)).body(body);
    let admin = reqwest::Client::builder().no_proxy().build().unwrap().get(service.admin_url("/metrics"));
    let mut sent = 0;
    let dropped = loop {
        for _ in 0..100 {
            let answer = batch.try_clone().unwrap().send().await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.bytes().await.unwrap();
            sent += 1;
        }
        let metrics = admin.try_clone().unwrap().send().await.unwrap().text().await.unwrap();
        let counted = metrics.lines().find_map(|line| line.strip_prefix("flowmatix_log_lines_dropped_total "));
        match counted.unwrap().parse::<u64>().unwrap() {
            0 => assert!(sent < 10_000),
            dropped => break dropped,
        }
    };
    // It is read again.
    service.logged_until("lines of this log were dropped");
    let (well, _, log) = tokio::task::spawn_blocking(|| service.stop()).await.unwrap();
    std::fs::remove_file(path).unwrap();
    assert!(well);
    let lines = lines(&log);
    let told: Vec<_> = lines.iter().filter_map(|line| line["lines"].as_u64()).collect();
    assert_eq!(told, [dropped]);
    let count = |text: &str| lines.iter().filter(|line| line["message"] == text).count() as u64;
    let written = count("a document that is not on the list") + count("answered");
    assert_eq!(written + dropped, sent * (BATCH + 1));
}
