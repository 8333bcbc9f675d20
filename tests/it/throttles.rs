//! Throttles for failed authentication: guessing is slow, and accepted tokens are not affected.

use std::time::Duration;

use flowmatix_graphql::http::{FailedAuthLimiter, Throttled};
use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, advance};

use crate::support::{Answer, Keys, PATIENT, TestApp, account};

const QUERY: &str = "{ teamMembers { totalCount } }";
const GOOD: &str = "demo-agency-token";

async fn passthrough(more: &[(&str, &str)]) -> TestApp {
    TestApp::with(&[&[("auth.mode", "passthrough")], more].concat()).await
}

#[tokio::test]
async fn the_101st_wrong_token_of_a_minute_is_refused_without_a_call() {
    let app = passthrough(&PATIENT).await;
    for n in 0..100 {
        let answer = app.query_as(&format!("wrong-{n}"), QUERY).await;
        assert_eq!((answer.status, answer.codes()), (200, vec!["UPSTREAM_UNAUTHENTICATED"]));
    }
    let calls = app.demo.calls();
    assert_eq!(calls, 100);
    for n in 100..110 {
        let answer = app.query_as(&format!("wrong-{n}"), QUERY).await;
        assert_eq!((answer.status, answer.codes()), (429, vec!["REQUEST_RATE_LIMITED"]));
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    assert_eq!(app.demo.calls(), calls);
}

#[tokio::test]
async fn a_token_with_a_roster_is_never_refused_for_the_wrong_ones_beside_it() {
    let app = passthrough(&[("http.failed_auth_limit", "3"), ("roster.fresh_for", "1ms")]).await;
    app.query_as(GOOD, QUERY).await.clean();
    for n in 0..10 {
        let expected = if n < 3 { 200 } else { 429 };
        assert_eq!(app.query_as(&format!("wrong-{n}"), QUERY).await.status, expected);
        app.query_as(GOOD, QUERY).await.clean();
    }
    // Until the upstream takes it back: then it is an unknown token like any other.
    app.demo.set_switches(flowmatix_graphql::demo::DemoSwitches { status: Some(401), ..Default::default() });
    let refused = |answer: &Answer| answer.status == 429 || answer.codes() == ["UPSTREAM_UNAUTHENTICATED"];
    crate::support::until(|| app.query_as(GOOD, QUERY), refused).await;
    assert_eq!(app.query_as(GOOD, QUERY).await.status, 429);
}

#[tokio::test]
async fn many_good_tokens_from_one_address_are_no_guesses() {
    let app = passthrough(&[("http.failed_auth_limit", "1")]).await;
    for account in flowmatix_graphql::demo::ACCOUNTS.iter().take(3) {
        let query = format!(
            "{{ teamMembers(account: {{ email: \"{}\", type: {} }}) {{ totalCount }} }}",
            account.email, account.user_type
        );
        app.query_as(account.token, &query).await.clean();
    }
    assert_eq!(app.query_as("wrong-1", QUERY).await.status, 200);
    assert_eq!(app.query_as("wrong-2", QUERY).await.status, 429);
    // The same wrong token again is no new guess, and is not asked for again either.
    assert_eq!(app.query_as("wrong-1", QUERY).await.codes(), ["UPSTREAM_UNAUTHENTICATED"]);
    assert_eq!(app.demo.calls(), 4);
}

/// Sixty accounts at once with a token that nobody knows: one call decides.
#[tokio::test]
async fn an_unknown_token_goes_upstream_once_however_many_accounts_are_asked_for() {
    let app = passthrough(&PATIENT).await;
    let fields: String = (0..60)
        .map(|n| format!("a{n}: teamMembers(account: {{ email: \"a{n}@b.example\", type: AGENT }}) {{ totalCount }} "))
        .collect();
    let query = format!("{{ {fields} }}");
    let answers = join_all((0..5).map(|_| app.query_as("nobodys-token", &query))).await;
    for answer in &answers {
        assert_eq!(answer.codes(), ["UPSTREAM_UNAUTHENTICATED"; 60]);
    }
    assert_eq!(app.demo.calls(), 1);
    // For ten seconds, nobody asks again.
    app.query_as("nobodys-token", &query).await;
    assert_eq!(app.demo.calls(), 1);
}

/// The first load of a good token holds the others up, and then all go on.
#[tokio::test]
async fn a_good_tokens_first_load_lets_the_others_go_on() {
    let app = passthrough(&PATIENT).await;
    let query = format!(
        "{{ a: teamMembers({}) {{ totalCount }} b: teamMembers({}) {{ totalCount }} c: teamMembers({}) {{ totalCount }} }}",
        account(0),
        account(1),
        account(2)
    );
    let gate = app.demo.hold();
    let asked = tokio::spawn(app.post().bearer_auth(GOOD).body(json!({ "query": query }).to_string()).send());
    app.demo.arrived(1).await;
    // Nothing else of this token comes before the first is answered; another token is not held up by it.
    let other = app.post().bearer_auth("demo-lantern-token").body(json!({ "query": QUERY }).to_string());
    let other = tokio::spawn(other.send());
    app.demo.arrived(2).await;
    assert_eq!(app.demo.log().iter().filter(|call| call.token.as_deref() == Some(GOOD)).count(), 1);
    gate.send(true).unwrap();
    let answer = Answer::read(asked.await.unwrap().unwrap()).await.clean();
    assert_eq!(answer, json!({ "a": { "totalCount": 12 }, "b": { "totalCount": 1 }, "c": { "totalCount": 250 } }));
    Answer::read(other.await.unwrap().unwrap()).await.clean();
    assert_eq!(app.demo.calls(), 4);
}

/// One account that is down says nothing of the token: the other account of the same first request answers.
#[tokio::test]
async fn a_first_load_that_fails_otherwise_is_no_verdict() {
    let app = passthrough(&PATIENT).await;
    let down = flowmatix_graphql::demo::Scripted::status(axum::http::StatusCode::SERVICE_UNAVAILABLE, "{}");
    app.demo.script(Some("maya@lantern-books.example"), Some(down));
    let query = format!(
        "{{ a: teamMembers({}) {{ totalCount }} b: teamMembers({}) {{ totalCount }} }}",
        account(0),
        account(2)
    );
    let answer = app.query_as(GOOD, &query).await;
    assert_eq!(answer.codes(), ["UPSTREAM_UNAVAILABLE"]);
    assert_eq!(answer.data(), &json!({ "a": null, "b": { "totalCount": 250 } }));
}

#[tokio::test]
async fn wrong_keys_are_counted_by_address_and_good_ones_are_let_in_beside_them() {
    let keys = Keys::new(&[("reports", &[0], false)]);
    let app = TestApp::with(&[&keys.settings()[..], &[("http.failed_auth_limit", "3")]].concat()).await;
    for n in 0..6 {
        let answer = app.query_as(&format!("fmk_reports_{n}"), QUERY).await;
        let expected = if n < 3 { (401, vec!["UNAUTHENTICATED"]) } else { (429, vec!["REQUEST_RATE_LIMITED"]) };
        assert_eq!((answer.status, answer.codes()), expected);
        app.query_as(keys.key(0), QUERY).await.clean();
    }
    // No token at all is no guess.
    assert_eq!(app.query(QUERY).await.status, 401);
}

#[tokio::test]
async fn each_address_has_its_own_count() {
    let app = passthrough(&[("http.failed_auth_limit", "1"), ("http.trusted_proxies", "127.0.0.0/8")]).await;
    let from = async |address: &str, token: &str| {
        let request = app.post().header("x-forwarded-for", address).bearer_auth(token);
        app.send(request.body(json!({ "query": QUERY }).to_string())).await.status
    };
    assert_eq!(from("203.0.113.1", "wrong-1").await, 200);
    assert_eq!(from("203.0.113.1", "wrong-2").await, 429);
    assert_eq!(from("203.0.113.2", "wrong-2").await, 200);
}

#[tokio::test]
async fn a_vendor_that_answers_404_before_it_looks_at_the_token_makes_no_guess_good() {
    let app = passthrough(&PATIENT).await;
    let unknown = flowmatix_graphql::demo::Scripted::status(axum::http::StatusCode::NOT_FOUND, "{}");
    app.demo.script(None, Some(unknown));
    for n in 0..150 {
        app.query_as(&format!("guess-{n}"), QUERY).await;
    }
    assert_eq!(app.demo.calls(), 100);
}

/// Any minute, not each by itself: what was tried at the end of one counts at the start of the next.
#[tokio::test(start_paused = true)]
async fn tokens_are_counted_in_a_sliding_window() {
    let limiter = FailedAuthLimiter::new(100, 20);
    let wrong = |n: usize| limiter.attempt(Some(format!("wrong-{n}").as_bytes()), None);
    let count = |range: std::ops::Range<usize>| range.filter(|n| limiter.count(wrong(*n)).is_ok()).count();
    assert_eq!(count(0..1), 1);
    advance(Duration::from_secs(59)).await;
    assert_eq!(count(1..200), 99);
    advance(Duration::from_secs(2)).await;
    // The first is a minute old now, the others are not.
    assert_eq!(count(200..400), 1);
    advance(Duration::from_secs(60)).await;
    assert_eq!(count(400..600), 100);
}

/// Being refused is free for the first ones; then it takes the client's time, and past that its connection.
#[tokio::test(start_paused = true)]
async fn refusals_wait_for_their_turn_and_few_of_them_wait() {
    for rate in [1, 3, 20, 500] {
        let limiter = FailedAuthLimiter::new(100, rate);
        let refused = || limiter.pace(limiter.attempt(None, None));
        let started = Instant::now();
        // Twice the rate at once, and as many again within two seconds: the next one is one too many.
        let answers = join_all((0..=4 * rate).map(|_| refused())).await;
        let past: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
        assert_eq!(past, [Throttled::Refusals { retry_after: 2 }], "{rate}");
        let took = started.elapsed();
        assert!(took <= Duration::from_millis(2001) && took >= Duration::from_millis(1999), "{rate}: {took:?}");
        advance(Duration::from_secs(10)).await;
        let started = Instant::now();
        for _ in 0..2 * rate {
            refused().await.unwrap();
        }
        assert_eq!(started.elapsed(), Duration::ZERO, "{rate}: nothing waited");
        refused().await.unwrap();
        // The clock's ticks are milliseconds.
        assert!(started.elapsed() >= Duration::from_millis(1), "{rate}: one waited");
        let interval = Duration::from_secs(1) / rate;
        assert!(started.elapsed() <= interval + Duration::from_millis(2), "{rate}: {:?}", started.elapsed());
    }
    let limiter = FailedAuthLimiter::new(100, 20);
    let refused = |address: [u8; 4]| limiter.pace(limiter.attempt(None, Some(address.into())));
    // One after the other, as on one connection.
    let started = Instant::now();
    for _ in 0..240 {
        refused([203, 0, 113, 1]).await.unwrap();
    }
    assert!(started.elapsed() >= Duration::from_secs(9), "{:?}", started.elapsed());
    // Another address has nothing to do with it, and without a rate nobody waits.
    let started = Instant::now();
    refused([203, 0, 113, 2]).await.unwrap();
    let unlimited = FailedAuthLimiter::new(100, 0);
    for _ in 0..1000 {
        unlimited.pace(unlimited.attempt(None, None)).await.unwrap();
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
}

/// The same as a client sees it, with the setting: the connection of the first that is too many is closed.
#[tokio::test]
async fn the_rate_of_refusals_is_a_setting() {
    let keys = Keys::new(&[("reports", &[0], false)]);
    let app = TestApp::with(&[&keys.settings()[..], &[("http.failed_auth_rate", "1")]].concat()).await;
    let answers = join_all((0..20).map(|_| app.query_as("fmk_reports_wrong", QUERY))).await;
    let told = answers.iter().filter(|answer| answer.status == 401).count();
    // Two at once and two that wait, and on a slow machine as many more as seconds have gone by.
    assert!((4..=10).contains(&told), "{told}");
    let unlimited = TestApp::with(&[&keys.settings()[..], &[("http.failed_auth_rate", "0")]].concat()).await;
    let answers = join_all((0..200).map(|_| unlimited.query_as("fmk_reports_wrong", QUERY))).await;
    assert!(answers.iter().all(|answer| answer.status == 401));
}

/// From one connection as fast as it can: the wrong key is told some twenty times a second, the good one beside it is answered.
#[tokio::test]
async fn a_flood_of_one_wrong_key_is_slowed_and_a_good_one_beside_it_is_not() {
    let keys = Keys::new(&[("reports", &[0], false)]);
    let app = TestApp::with(&keys.settings()).await;
    let started = Instant::now();
    let mut answers = 0;
    while started.elapsed() < Duration::from_secs(2) {
        assert_eq!(app.query_as("fmk_reports_wrong", QUERY).await.status, 401);
        answers += 1;
    }
    assert!(answers <= 40 + 20 * 4, "{answers}");
    let floods = (0..200).map(|_| app.query_as("fmk_reports_wrong", QUERY));
    let good = async {
        for _ in 0..20 {
            app.query_as(keys.key(0), QUERY).await.clean();
        }
    };
    let (flooded, ()) = tokio::join!(join_all(floods), good);
    let closed = flooded.iter().filter(|answer| answer.status == 429).count();
    assert!(closed >= 100, "{closed}");
    for answer in flooded.iter().filter(|answer| answer.status == 429) {
        assert_eq!((answer.codes(), answer.header("connection")), (vec!["REQUEST_RATE_LIMITED"], "close"));
    }
}

/// What proxies write in front of an address, behind it and around it.
#[tokio::test]
async fn proxies_tell_the_clients_address_in_every_form_that_they_write() {
    let keys = Keys::new(&[("reports", &[0], false)]);
    let with = async |header: &str| {
        let more = [
            ("http.failed_auth_limit", "1"),
            ("http.trusted_proxies", "127.0.0.0/8,10.0.0.0/8"),
            ("http.forwarded_header", header),
        ];
        TestApp::with(&[&keys.settings()[..], &more].concat()).await
    };
    // The first wrong key of an address is told so, the second is one too many.
    let seen = async |app: &TestApp, name: &str, value: &str, n: usize| {
        let request = app.post().header(name, value).bearer_auth(format!("fmk_reports_{n}"));
        app.send(request.body(json!({ "query": QUERY }).to_string())).await.status == 429
    };
    let list = with("x-forwarded-for").await;
    for (n, (value, again)) in [
        ("203.0.113.1", false),
        ("203.0.113.1:4711", true),
        (" 198.51.100.7 , 203.0.113.1 , 10.1.2.3:80 ", true),
        ("2001:db8::1", false),
        ("[2001:db8::2]", true),
        ("[2001:db8::3]:4711", true),
        ("::ffff:203.0.113.1", true),
        ("203.0.113.9, unknown", false),
        ("203.0.113.9", false),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(seen(&list, "x-forwarded-for", value, n).await, again, "{value}");
    }
    let standard = with("forwarded").await;
    for (n, (value, again)) in [
        ("for=203.0.113.1", false),
        ("for=198.51.100.7;proto=https, For=\"203.0.113.1:4711\";by=10.0.0.1", true),
        ("for=\"[2001:db8::1]:4711\"", false),
        ("for=\"[2001:db8::7]\"", true),
        ("for=203.0.113.1;host=\"a,b;for=198.51.100.9\"", true),
        ("proto=https;for=203.0.113.1, for=10.2.3.4", true),
        ("for=203.0.113.50, for=_hidden", false),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(seen(&standard, "forwarded", value, n).await, again, "{value}");
    }
    // Only the header that is configured: the other one may be the client's. So this is the proxy's own address.
    assert!(seen(&standard, "x-forwarded-for", "203.0.113.200", 20).await);
}

/// Both versions of the PROXY protocol, from a trusted proxy; from others there is none.
#[tokio::test]
async fn a_trusted_proxy_gives_the_clients_address_in_front_of_the_connection() {
    let keys = Keys::new(&[("reports", &[0], false)]);
    let settings =
        [("http.failed_auth_limit", "1"), ("http.trusted_proxies", "127.0.0.1"), ("http.proxy_protocol", "true")];
    let app = TestApp::with(&[&keys.settings()[..], &settings].concat()).await;
    let v2 = |address: [u8; 4]| {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
        header.extend([&address[..], &[127, 0, 0, 1], &[0x12, 0x67, 0x1f, 0x90]].concat());
        header
    };
    let line = |address: &str| format!("PROXY TCP4 {address} 127.0.0.1 4711 8080\r\n").into_bytes();
    for (n, (header, status)) in [
        (line("203.0.113.1"), "401"),
        (line("203.0.113.1"), "429"),
        (v2([203, 0, 113, 1]), "429"),
        (v2([203, 0, 113, 2]), "401"),
        (b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n".to_vec(), "401"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "401"),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec(), "429"),
        // No header, or half of one.
        (Vec::new(), ""),
        (b"PROXY TCP4 nonsense\r\n".to_vec(), ""),
    ]
    .into_iter()
    .enumerate()
    {
        let mut stream = tokio::net::TcpStream::connect(app.app.address()).await.unwrap();
        let body = json!({ "query": QUERY }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer fmk_reports_{n}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(&[header.as_slice(), head.as_bytes()].concat()).await.unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        assert_eq!(answer.get(9..12).unwrap_or_default(), status, "{n}: {answer}");
    }
}
