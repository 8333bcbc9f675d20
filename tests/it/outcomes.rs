//! What each upstream answer means for a caller without a roster, and for one with a stale roster.

use std::ops::RangeInclusive;
use std::time::{Instant, SystemTime};

use axum::http::header::{DATE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use flowmatix_graphql::demo::{DemoSwitches, InvalidSwitches, Scripted};
use serde_json::json;

use crate::support::{Answer, TestApp};

const QUERY: &str = "{ teamMembers { totalCount stale } }";
/// What fails is called, and called once, however often it has failed before.
const UNGUARDED: [(&str, &str); 3] =
    [("upstream.breaker", "false"), ("upstream.retry_ratio", "0"), ("upstream.body_limit", "1MiB")];

/// The question about an account of its own, so that no earlier failure is remembered.
fn about(n: usize) -> String {
    format!("{{ teamMembers(account: {{ email: \"n{n}@example.com\", type: AGENT }}) {{ totalCount stale }} }}")
}

/// Each wrong answer, and the code it must have.
const MALFORMED: [(InvalidSwitches, &str); 9] = [
    (InvalidSwitches::Html, "UPSTREAM_BAD_RESPONSE"),
    (InvalidSwitches::Empty, "UPSTREAM_BAD_RESPONSE"),
    (InvalidSwitches::Truncated, "UPSTREAM_BAD_RESPONSE"),
    (InvalidSwitches::SuccessFalse, "UPSTREAM_REJECTED"),
    (InvalidSwitches::SuccessFalseNoCode, "UPSTREAM_BAD_RESPONSE"),
    (InvalidSwitches::WrongShape, "UPSTREAM_BAD_RESPONSE"),
    (InvalidSwitches::Huge, "UPSTREAM_BAD_RESPONSE"),
    (InvalidSwitches::NotJson, "UPSTREAM_BAD_RESPONSE"),
    (InvalidSwitches::Redirect, "UPSTREAM_BAD_RESPONSE"),
];

const STATUSES: [(u16, &str); 18] = [
    (201, "UPSTREAM_BAD_RESPONSE"),
    (204, "UPSTREAM_BAD_RESPONSE"),
    (301, "UPSTREAM_BAD_RESPONSE"),
    (307, "UPSTREAM_BAD_RESPONSE"),
    (400, "UPSTREAM_REJECTED"),
    (401, "UPSTREAM_UNAUTHENTICATED"),
    (403, "UPSTREAM_FORBIDDEN"),
    (404, "UPSTREAM_REJECTED"),
    (408, "UPSTREAM_UNAVAILABLE"),
    (418, "UPSTREAM_REJECTED"),
    (422, "UPSTREAM_REJECTED"),
    (425, "UPSTREAM_UNAVAILABLE"),
    (429, "UPSTREAM_RATE_LIMITED"),
    (500, "UPSTREAM_UNAVAILABLE"),
    (502, "UPSTREAM_UNAVAILABLE"),
    (503, "UPSTREAM_UNAVAILABLE"),
    (504, "UPSTREAM_UNAVAILABLE"),
    (599, "UPSTREAM_UNAVAILABLE"),
];

#[tokio::test]
async fn every_malformed_body_gives_its_code() {
    for (malformed, code) in MALFORMED {
        let app = TestApp::with(&UNGUARDED).await;
        app.demo.set_switches(DemoSwitches { malformed: Some(malformed), ..DemoSwitches::default() });
        let answer = app.query(QUERY).await;
        assert_eq!((answer.status, answer.codes()), (200, vec![code]), "{malformed:?}");
        assert_eq!(answer.data(), &json!({ "teamMembers": null }), "{malformed:?}");
        assert_eq!(answer.upstream()["calls"], 1, "{malformed:?}");
        assert_eq!(app.demo.calls(), 1, "{malformed:?}");
    }
}

#[tokio::test]
async fn every_status_gives_its_code_also_as_an_envelopes() {
    for (status, code) in STATUSES {
        let app = TestApp::with(&UNGUARDED).await;
        app.demo.script(None, Some(Scripted::status(StatusCode::from_u16(status).unwrap(), "{}")));
        assert_eq!(app.query(QUERY).await.codes(), [code], "{status}");
        if status >= 400 {
            let app = TestApp::with(&UNGUARDED).await;
            let envelope = json!({ "success": false, "message": "no", "data": null, "code": status });
            app.demo.script(None, Some(Scripted::ok(envelope.to_string())));
            assert_eq!(app.query(QUERY).await.codes(), [code], "{status} in an envelope");
        }
    }
}

#[tokio::test]
async fn an_old_roster_is_served_where_the_failure_may_pass_and_never_after_a_refusal() {
    let failures = MALFORMED.map(|(malformed, code)| (Some(malformed), None, code)).into_iter();
    let failures = failures.chain(STATUSES.map(|(status, code)| (None, Some(status), code)));
    for (malformed, status, code) in failures {
        let app = TestApp::with(&[("roster.fresh_for", "1ms"), ("upstream.body_limit", "1MiB")]).await;
        app.query(QUERY).await.clean();
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        app.demo.set_switches(DemoSwitches { malformed, status, ..DemoSwitches::default() });
        let answer = app.query(QUERY).await;
        if code == "UPSTREAM_FORBIDDEN" {
            assert_eq!(answer.codes(), [code]);
            // It is gone, and the refusal is remembered.
            app.demo.set_switches(DemoSwitches::default());
            assert_eq!(app.query(QUERY).await.codes(), [code]);
            assert_eq!(app.demo.calls(), 2);
        } else {
            assert_eq!(answer.upstream()["cache"], "stale", "{malformed:?} {status:?}");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.clean(), json!({ "teamMembers": { "totalCount": 12, "stale": true } }));
        }
    }
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let at = |seconds: i64, format: &str| {
        let date = chrono::DateTime::<chrono::Utc>::from(SystemTime::now()) + chrono::TimeDelta::seconds(seconds);
        date.format(format).to_string()
    };
    // The three forms of HTTP (RFC 9110, 5.6.7), and that of e-mail.
    let forms = [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
        "%a, %d %b %Y %H:%M:%S +0000",
    ];
    let mut cases: Vec<(Vec<String>, RangeInclusive<u64>)> = [
        (&["7"][..], 7..=7),
        (&[" 7 "], 7..=7),
        (&["1.5"], 2..=2),
        (&[], 60..=60),
        (&["soon"], 60..=60),
        (&["-5"], 60..=60),
        (&[""], 60..=60),
        (&["7", "9"], 9..=9),
        // A 429 always pauses the credential.
        (&["0"], 1..=1),
        (&["0.0"], 1..=1),
        (&["999999"], 3600..=3600),
        (&["18446744073709551615"], 3600..=3600),
        (&["1000000000000000000000000"], 3600..=3600),
    ]
    .map(|(headers, seconds)| (headers.iter().map(|header| (*header).to_owned()).collect(), seconds))
    .into();
    for form in forms {
        cases.push((vec![at(120, form)], 60..=121));
        cases.push((vec![at(-120, form)], 1..=1));
        cases.push((vec![at(1_000_000, form)], 3600..=3600));
    }
    for (headers, expected) in cases {
        let app = TestApp::start().await;
        let mut scripted = Scripted::status(StatusCode::TOO_MANY_REQUESTS, "");
        for header in &headers {
            scripted.headers.append(RETRY_AFTER, header.parse().unwrap());
        }
        app.demo.script(None, Some(scripted));
        let answer = app.query(QUERY).await;
        let seconds = answer.body["errors"][0]["extensions"]["retryAfterSeconds"].as_u64().unwrap();
        assert!(expected.contains(&seconds), "{headers:?}: {seconds}");
    }
}

/// A date is as far away as its sender's clock says.
#[tokio::test]
async fn a_date_is_read_by_the_senders_own_clock() {
    let app = TestApp::start().await;
    let mut scripted = Scripted::status(StatusCode::TOO_MANY_REQUESTS, "");
    scripted.headers.insert(RETRY_AFTER, "Fri, 15 May 2015 15:34:51 GMT".parse().unwrap());
    scripted.headers.insert(DATE, "Fri, 15 May 2015 15:34:21 GMT".parse().unwrap());
    app.demo.script(None, Some(scripted));
    assert_eq!(app.query(QUERY).await.body["errors"][0]["extensions"]["retryAfterSeconds"], 30);
}

/// The floor doubles, so that the number of calls grows like the logarithm of the time.
#[tokio::test]
async fn sixty_questions_while_429s_go_on_make_few_calls() {
    for header in [Some("0"), Some("Fri, 15 May 2015 15:34:51 GMT"), None] {
        let app = TestApp::start().await;
        let mut scripted = Scripted::status(StatusCode::TOO_MANY_REQUESTS, "");
        scripted.headers.extend(header.map(|value| (RETRY_AFTER, value.parse().unwrap())));
        app.demo.script(None, Some(scripted));
        let started = Instant::now();
        for n in 0..60 {
            assert_eq!(app.query(&about(n)).await.codes(), ["UPSTREAM_RATE_LIMITED"], "{header:?}");
        }
        let most = 2.0 + (started.elapsed().as_secs_f64() + 1.0).log2();
        assert!(app.demo.calls() as f64 <= most, "{header:?}: {} calls", app.demo.calls());
    }
}

/// RFC 9110, 10.2.3: a 503 may say how long the service is expected to be away.
#[tokio::test]
async fn a_503_with_retry_after_leaves_the_host_alone_for_so_long() {
    let app = TestApp::with(&[("roster.fresh_for", "1ms")]).await;
    app.demo.script(None, Some(Scripted::ok(r#"{"data":[]}"#)));
    app.query(&about(0)).await.clean();
    let mut scripted = Scripted::status(StatusCode::SERVICE_UNAVAILABLE, "{}");
    scripted.headers.insert(RETRY_AFTER, "30".parse().unwrap());
    app.demo.script(None, Some(scripted));
    let first = app.query(&about(1)).await;
    let told = |answer: &Answer| {
        assert_eq!(answer.codes(), ["UPSTREAM_UNAVAILABLE"]);
        let seconds = answer.body["errors"][0]["extensions"]["retryAfterSeconds"].as_u64().unwrap();
        assert!((1..=30).contains(&seconds), "{seconds}");
    };
    told(&first);
    for n in 2..12 {
        told(&app.query(&about(n)).await);
    }
    // What is there is served, marked as old.
    let known = about(0);
    let stale = crate::support::until(|| app.query(&known), |answer| answer.upstream()["cache"] == "stale").await;
    assert_eq!(stale.clean()["teamMembers"]["stale"], true);
    assert_eq!(app.demo.calls(), 2);
}

#[tokio::test]
async fn the_upstreams_words_are_passed_on_only_when_they_are_safe() {
    let app = TestApp::start().await;
    let said = |message: &str| {
        let body = json!({ "success": false, "message": message, "data": null, "code": 422 }).to_string();
        app.demo.script(None, Some(Scripted::status(StatusCode::UNPROCESSABLE_ENTITY, body)));
    };
    let plain = "the upstream refused the request (422)";
    said("This plan has no team members");
    let answer = app.query(QUERY).await;
    assert_eq!(answer.body["errors"][0]["message"], format!("{plain}: This plan has no team members"));
    for (n, unsafe_words) in [
        "no user maya@lantern-books.example",
        "bad token eyJhbGciOiJIUzI1NiIsInR5cCI6",
        "see https://internal.example/x",
        "<script>alert(1)</script>",
        "call 555 010 0001",
        "line\nbreak",
        // Short, printable, and somebody's.
        "Maya Lindqvist is suspended",
        "the account lantern-books is suspended",
        "user 65f1 not found",
        "the key abc is invalid",
        &"long ".repeat(100),
        "",
    ]
    .into_iter()
    .enumerate()
    {
        said(unsafe_words);
        assert_eq!(app.query(&about(n)).await.body["errors"][0]["message"], plain, "{unsafe_words}");
    }
}

#[tokio::test]
async fn a_silent_upstream_is_a_timeout_and_a_closed_port_is_unavailable() {
    let quick =
        [("upstream.timeout", "200ms"), ("upstream.attempt_timeout", "100ms"), ("upstream.connect_timeout", "50ms")];
    let app = TestApp::with(&quick).await;
    let gate = app.demo.hold();
    assert_eq!(app.query(QUERY).await.codes(), ["UPSTREAM_TIMEOUT"]);
    gate.send(true).unwrap();
    let TestApp { app: service, demo, client } = app;
    demo.stop().await;
    let answer = client
        .post(format!("http://{}/graphql", service.address()))
        .header("content-type", "application/json")
        .body(json!({ "query": about(1) }).to_string());
    let answer = crate::support::Answer::read(answer.send().await.unwrap()).await;
    assert_eq!(answer.codes(), ["UPSTREAM_UNAVAILABLE"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let app = TestApp::start().await;
    let mut headers = HeaderMap::new();
    headers.insert("location", format!("{}/custom-user?again=1", app.demo.url()).parse().unwrap());
    let scripted = Scripted { status: StatusCode::TEMPORARY_REDIRECT, headers, body: "".into() };
    app.demo.script(None, Some(scripted));
    assert_eq!(app.query(QUERY).await.codes(), ["UPSTREAM_BAD_RESPONSE"]);
    assert_eq!(app.demo.calls(), 1);
}

#[tokio::test]
async fn an_empty_list_is_a_team() {
    let app = TestApp::start().await;
    app.demo.set_team("maya@lantern-books.example", vec![]);
    let data =
        app.query("{ teamMembers { totalCount nodes { id } pageInfo { endCursor } } roles { id } }").await.clean();
    let page = json!({ "totalCount": 0, "nodes": [], "pageInfo": { "endCursor": null } });
    assert_eq!(data, json!({ "teamMembers": page, "roles": [] }));
}

#[tokio::test]
async fn a_body_past_the_cap_or_with_too_many_rows_is_refused() {
    let app = TestApp::with(&[("upstream.rows_limit", "5")]).await;
    let rows = |n: usize| (0..n).map(|n| crate::support::row(&n.to_string(), "x")).collect();
    app.demo.set_team("n6@example.com", rows(6));
    assert_eq!(app.query(&about(6)).await.codes(), ["UPSTREAM_BAD_RESPONSE"]);
    app.demo.set_team("n5@example.com", rows(5));
    app.query(&about(5)).await.clean();

    let app = TestApp::with(&[("upstream.body_limit", "2KiB")]).await;
    let body = |length: usize| {
        let frame = r#"{"success":true,"data":[],"message":""}"#;
        Scripted::ok(format!(r#"{{"success":true,"data":[],"message":"{}"}}"#, "x".repeat(length - frame.len())))
    };
    app.demo.script(None, Some(body(2049)));
    assert_eq!(app.query(&about(2049)).await.codes(), ["UPSTREAM_BAD_RESPONSE"]);
    app.demo.script(None, Some(body(2048)));
    app.query(&about(2048)).await.clean();
}

#[tokio::test]
async fn bad_rows_hide_no_good_ones() {
    let app = TestApp::start().await;
    app.demo.set_switches(DemoSwitches { malformed: Some(InvalidSwitches::BadRows), ..DemoSwitches::default() });
    let query =
        "{ teamMembers { totalCount nodes { id name unrecognized { field value } } skippedRows { index reason } } }";
    let data = app.query(query).await.clean();
    let team = &data["teamMembers"];
    assert_eq!(team["totalCount"], 14);
    let skipped = |index: u32, reason: &str| json!({ "index": index, "reason": reason });
    let expected = [
        skipped(12, "it has no usable _id"),
        skipped(13, "it has no usable _id"),
        skipped(14, "it has no usable _id"),
        skipped(15, "it is not an object"),
        skipped(16, "it is not an object"),
    ];
    assert_eq!(team["skippedRows"], json!(expected));
    let node = |id: &str| team["nodes"].as_array().unwrap().iter().find(|node| node["id"] == id).unwrap();
    assert_eq!(node("65f1ffffffffffffffffff02")["name"], "Newer");
    let unread = node("65f1ffffffffffffffffff01")["unrecognized"].as_array().unwrap();
    assert_eq!(unread.len(), 17);
    assert!(unread.contains(&json!({ "field": "type", "value": "ROBOT" })));
    assert!(unread.contains(&json!({ "field": "departmentIds", "value": "3" })));
    assert!(unread.contains(&json!({ "field": "description", "value": "[\"text\"]" })));
    for (kind, count) in
        [("unrecognized_value", 17.0), ("unknown_field", 1.0), ("skipped_row", 5.0), ("duplicate_row", 1.0)]
    {
        assert_eq!(app.metric(&format!("flowmatix_upstream_drift_total{{kind=\"{kind}\"}}")).await, count, "{kind}");
    }
}
