//! Upstream bodies on the wire: byte order marks, content codings, damaged rows, many headers.

use std::io::Write as _;

use axum::http::header::{CONTENT_ENCODING, HeaderName, HeaderValue};
use flate2::Compression;
use flate2::write::GzEncoder;
use flowmatix_graphql::demo::Scripted;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

const ROWS: &str =
    r#"{"success":true,"message":"","data":[{"_id":"1","name":"Å"},{"_id":"2"},{"_id":"3"}],"code":200}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn encoded(encoding: &'static str, body: impl Into<bytes::Bytes>) -> Scripted {
    let mut scripted = Scripted::ok(body);
    scripted.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    scripted
}

/// Asks about an account of its own for each, because failures are remembered.
async fn ask(app: &TestApp, n: usize, scripted: Scripted) -> Answer {
    app.demo.script(None, Some(scripted));
    let query = "query($e: EmailAddress!) { teamMembers(account: { email: $e, type: AGENT }) {
        totalCount nodes { id } skippedRows { index reason } } }";
    app.variables(query, json!({ "e": format!("a{n}@example.com") })).await
}

fn ids(data: &Value) -> Vec<&str> {
    data["teamMembers"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_skipped_and_the_others_are_served() {
    let app = TestApp::start().await;
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let long = "x".repeat(1 << 20);
    let bad: [(Vec<u8>, &str); 4] = [
        ([&br#"{"_id":"bad","name":"cut "#[..], b"\xc3", br#""}"#].concat(), "it is not valid UTF-8"),
        (format!(r#"{{"_id":"bad","extra":{deep}}}"#).into_bytes(), "it is nested too deeply"),
        (format!(r#"{{"_id":"bad","description":"{long}"}}"#).into_bytes(), "it is longer than 1 MiB"),
        (br#"{"_id":"bad","name":"\q"}"#.to_vec(), "it is not valid JSON"),
    ];
    for (n, (row, reason)) in bad.into_iter().enumerate() {
        let body = [br#"{"success":true,"data":[{"_id":"1"},"#, &row[..], br#",{"_id":"3"}],"code":200}"#].concat();
        let data = ask(&app, n, Scripted::ok(body)).await.clean();
        assert_eq!(ids(&data), ["1", "3"], "{reason}");
        assert_eq!(data["teamMembers"]["skippedRows"], json!([{ "index": 1, "reason": reason }]));
    }
    assert_eq!(app.metric("flowmatix_upstream_drift_total{kind=\"skipped_row\"}").await, 4.0);
}

#[tokio::test]
async fn a_byte_order_mark_before_the_body_is_ignored() {
    let app = TestApp::start().await;
    let marked = format!("\u{feff}{ROWS}");
    assert_eq!(ids(&ask(&app, 0, Scripted::ok(marked.clone())).await.clean()), ["1", "2", "3"]);
    assert_eq!(ids(&ask(&app, 1, encoded("gzip", gzip(marked.as_bytes()))).await.clean()), ["1", "2", "3"]);
    // One, at the very front, and whole.
    for body in [format!("\u{feff}{marked}"), format!(" {marked}")] {
        assert_eq!(ask(&app, body.len(), Scripted::ok(body)).await.codes(), ["UPSTREAM_BAD_RESPONSE"]);
    }
    assert_eq!(ask(&app, 2, Scripted::ok(&b"\xef\xbb"[..])).await.codes(), ["UPSTREAM_BAD_RESPONSE"]);
}

#[tokio::test]
async fn gzip_is_decoded_under_any_of_its_names_and_in_several_members() {
    let app = TestApp::start().await;
    let whole = gzip(ROWS.as_bytes());
    for (n, encoding) in
        ["gzip", "GZIP", "Gzip", "x-gzip", "X-GZip", "identity, gzip", " gzip ,"].into_iter().enumerate()
    {
        assert_eq!(ids(&ask(&app, n, encoded(encoding, whole.clone())).await.clean()), ["1", "2", "3"], "{encoding}");
    }
    for (n, encoding) in ["identity", "IDENTITY", ""].into_iter().enumerate() {
        assert_eq!(ids(&ask(&app, 10 + n, encoded(encoding, ROWS)).await.clean()), ["1", "2", "3"], "{encoding}");
    }
    for at in [0, 1, 50, ROWS.len()] {
        let (front, back) = ROWS.as_bytes().split_at(at);
        let members = [gzip(front), gzip(back)].concat();
        assert_eq!(ids(&ask(&app, 20 + at, encoded("gzip", members)).await.clean()), ["1", "2", "3"], "cut at {at}");
    }
}

#[tokio::test]
async fn an_encoding_that_is_wrong_or_unknown_is_a_bad_response() {
    let unbroken = [("upstream.breaker", "false"), ("upstream.retry_ratio", "0"), ("upstream.body_limit", "1MiB")];
    let app = TestApp::with(&unbroken).await;
    let whole = gzip(ROWS.as_bytes());
    let mut damaged = whole.clone();
    let checksum = damaged.len() - 6;
    damaged[checksum] ^= 1;
    let cases = [
        encoded("br", whole.clone()),
        encoded("gzip, gzip", whole.clone()),
        encoded("gzip", ROWS),
        encoded("gzip", whole[..whole.len() - 3].to_vec()),
        encoded("gzip", damaged),
        encoded("gzip", [&whole[..], b"garbage"].concat()),
        encoded("gzip", Vec::new()),
        // A small body that would be a large one.
        encoded("gzip", gzip(format!(r#"{{"data":[{}"#, " ".repeat(4 << 20)).as_bytes())),
    ];
    for (n, scripted) in cases.into_iter().enumerate() {
        assert_eq!(ask(&app, n, scripted).await.codes(), ["UPSTREAM_BAD_RESPONSE"], "case {n}");
    }
}

#[tokio::test]
async fn many_headers_are_no_reason_to_refuse_an_answer() {
    let app = TestApp::start().await;
    let mut scripted = Scripted::ok(ROWS);
    for n in 0..200 {
        let name = HeaderName::from_bytes(format!("x-trace-{n}").as_bytes()).unwrap();
        scripted.headers.insert(name, HeaderValue::from_static("a value"));
    }
    assert_eq!(ids(&ask(&app, 0, scripted).await.clean()), ["1", "2", "3"]);
}
