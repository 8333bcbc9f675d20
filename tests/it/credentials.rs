//! Credentials: bad `Authorization` headers are refused clearly, and secrets can be replaced while the service runs.

use std::sync::Arc;

use flowmatix_graphql::demo::{AGENCY_TOKEN, DemoSwitches};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::issuer::{AUDIENCE, ISSUER, SigningKey, jwks};
use crate::support::{Keys, TempFile, TestApp, account};

const QUERY: &str = "{ teamMembers { totalCount } }";

/// A service in each mode that asks for a token.
async fn services(keys: &Keys, set: &TempFile, more: &[(&str, &str)]) -> Vec<TestApp> {
    let jwt =
        [("auth.mode", "jwt"), ("jwt.jwks_file", set.as_str()), ("jwt.issuer", ISSUER), ("jwt.audience", AUDIENCE)];
    let mut apps = Vec::new();
    for settings in [&[("auth.mode", "passthrough")][..], &keys.settings(), &jwt] {
        apps.push(TestApp::with(&[settings, more].concat()).await);
    }
    apps
}

fn files() -> (Keys, TempFile) {
    let keys = Keys::new(&[("reports", &[0], false)]);
    let set = TempFile::new("jwks.json", &jwks(&[&SigningKey::new("ec", "ES256")]));
    (keys, set)
}

#[tokio::test]
async fn a_header_that_is_not_one_bearer_token_is_refused_in_every_mode() {
    let (keys, set) = files();
    for app in services(&keys, &set, &[("http.header_bytes_limit", "1MiB")]).await {
        let long = format!("Bearer {}", "x".repeat(64 << 10));
        let just_too_long = format!("Bearer {}", "x".repeat(8193));
        let wrong: [&[&[u8]]; 14] = [
            &[],
            &[b"Bearer a", b"Bearer b"],
            &[b"Bearer a", b"Basic b"],
            &[b""],
            &[b"Bearer"],
            &[b"Bearer "],
            &[b"Bearer a b"],
            &[b"Bearer \"a\""],
            &[b"Bearer a,b"],
            &[b"Basic dTpw"],
            &[b"abc"],
            &["Bearer tökén".as_bytes()],
            &[b"Bearer \xff\xfe"],
            &[long.as_bytes()],
        ];
        for values in wrong.into_iter().chain([&[just_too_long.as_bytes()][..]]) {
            let request = values.iter().fold(app.post(), |request, value| request.header("authorization", *value));
            let answer = app.send(request.body(json!({ "query": QUERY }).to_string())).await;
            assert_eq!((answer.status, answer.codes()), (401, vec!["UNAUTHENTICATED"]), "{values:.20?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        assert_eq!(app.demo.calls(), 0);
    }
    // As it comes, the headers' own limit is in front.
    for app in services(&keys, &set, &[]).await {
        assert_eq!(app.query_as(&"x".repeat(64 << 10), QUERY).await.status, 431);
    }
}

#[tokio::test]
async fn a_header_with_a_line_break_in_it_gets_nowhere() {
    let (keys, set) = files();
    for app in services(&keys, &set, &[]).await {
        for value in
            ["Bearer a\r\n b", "Bearer a\rb", "Bearer a\nb", "Bearer a\0b", "Bearer a\r\nx-flowmatix-type: AGENT"]
        {
            let body = json!({ "query": QUERY }).to_string();
            let request = format!(
                "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\nauthorization: {value}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let mut stream = TcpStream::connect(app.app.address()).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let status = answer.split(' ').nth(1).unwrap_or_default();
            let split = value.contains("x-flowmatix");
            let passthrough = status == "200" && answer.contains("BAD_USER_INPUT");
            assert!(matches!(status, "400" | "401") || (split && passthrough), "{value:?}: {answer}");
        }
        assert!(app.demo.log().iter().all(|call| call.parameter("type") == Some("CUSTOMER")));
    }
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_and_not_used() {
    let (keys, set) = files();
    for app in services(&keys, &set, &[]).await {
        for name in ["access_token", "token", "api_key", "Authorization"] {
            for with_header in [false, true] {
                let request = app.client.get(app.url()).header("apollo-require-preflight", "1");
                let request = request.query(&[("query", QUERY), (name, AGENCY_TOKEN)]);
                let request = if with_header { request.bearer_auth(AGENCY_TOKEN) } else { request };
                let answer = app.send(request).await;
                assert_eq!((answer.status, answer.codes()), (401, vec!["UNAUTHENTICATED"]), "{name}");
                assert!(!answer.body.to_string().contains(AGENCY_TOKEN));
                assert!(answer.body.to_string().contains("in the URL"));
            }
        }
        assert_eq!(app.demo.calls(), 0);
    }
}

#[tokio::test]
async fn a_new_secret_is_used_at_once_and_keeps_rosters_and_cursors() {
    let (keys, secret) = (Keys::new(&[("reports", &[0], false)]), TempFile::new("credential", "demo-lantern-token\n"));
    let settings = [&keys.settings()[..], &[("auth.credential_file", secret.as_str())]].concat();
    let app = TestApp::with(&settings).await;
    let key = keys.key(0);
    let page = "{ teamMembers(first: 5) { nodes { id } pageInfo { endCursor } } }";
    let first = app.query_as(key, page).await.clean();
    let cursor = first["teamMembers"]["pageInfo"]["endCursor"].as_str().unwrap();
    let next = format!("{{ teamMembers(first: 5, after: \"{cursor}\") {{ nodes {{ id }} }} }}");
    let second = app.query_as(key, &next).await.clean();

    secret.replace(AGENCY_TOKEN);
    assert_eq!(app.query_as(key, &next).await.clean(), second);
    assert_eq!(app.demo.calls(), 1);
    // What is loaded from now on is loaded with the new one.
    let request = app.post().header("x-flowmatix-max-age", "0").bearer_auth(key);
    app.send(request.body(json!({ "query": QUERY }).to_string())).await.clean();
    let tokens: Vec<_> = app.demo.log().into_iter().map(|call| call.token.unwrap()).collect();
    assert_eq!(tokens, ["demo-lantern-token", AGENCY_TOKEN]);
    // However often it is replaced: a cursor is a position, not a right.
    secret.replace("another-token-1");
    app.query_as(key, &next).await;
    secret.replace("another-token-2");
    assert_eq!(app.query_as(key, &next).await.clean(), second);
    // A file that holds no secret, or is gone, changes nothing.
    for broken in ["", "two words", "\u{7}"] {
        secret.replace(broken);
        app.query_as(key, QUERY).await.clean();
    }
    for gone in [secret.path(), keys.file.path()] {
        std::fs::remove_file(gone).unwrap();
        app.query_as(key, QUERY).await.clean();
    }
}

#[tokio::test]
async fn a_secret_of_the_server_that_the_vendor_refuses_keeps_its_rosters_until_it_is_replaced() {
    let (keys, secret) = (Keys::new(&[("reports", &[0, 1], false)]), TempFile::new("credential", AGENCY_TOKEN));
    let settings =
        [&keys.settings()[..], &[("auth.credential_file", secret.as_str()), ("roster.fresh_for", "1ms")]].concat();
    let app = TestApp::with(&settings).await;
    let stale = "{ teamMembers { totalCount stale } }";
    app.query_as(keys.key(0), stale).await.clean();
    app.demo.set_switches(DemoSwitches { status: Some(401), ..DemoSwitches::default() });
    let refused = async || app.metric("flowmatix_upstream_credential_refused").await == 1.0;
    for _ in 0..1000 {
        assert_eq!(app.query_as(keys.key(0), stale).await.clean()["teamMembers"]["totalCount"], 12);
        if refused().await {
            break;
        }
    }
    assert!(refused().await);
    let calls = app.demo.calls();
    let answer = app.query_as(keys.key(0), stale).await;
    assert_eq!(answer.clean(), json!({ "teamMembers": { "totalCount": 12, "stale": true } }));
    let cold = format!("{{ teamMembers({}) {{ totalCount }} }}", account(1));
    assert_eq!(app.query_as(keys.key(0), &cold).await.codes(), ["UPSTREAM_UNAUTHENTICATED"]);
    assert_eq!(app.demo.calls(), calls);
    // A new secret is tried at once.
    app.demo.set_switches(DemoSwitches::default());
    secret.replace("demo-lantern-token");
    app.query_as(keys.key(0), stale).await.clean();
    assert_eq!(app.demo.calls(), calls + 1);
    assert!(!refused().await);
}

#[tokio::test]
async fn the_routers_secret_is_read_again() {
    let secret = TempFile::new("router", "first-router-secret");
    let app =
        Arc::new(TestApp::with(&[("federation.service", "true"), ("federation.secret_file", secret.as_str())]).await);
    let ask = async |shown: &str| {
        let request = app.post().header("x-flowmatix-router-secret", shown);
        app.send(request.body(r#"{"query":"{ _service { sdl } }"}"#)).await.body.get("errors").is_none()
    };
    assert!(ask("first-router-secret").await && !ask("second-router-secret").await);
    secret.replace("second-router-secret");
    assert!(!ask("first-router-secret").await && ask("second-router-secret").await);
}
