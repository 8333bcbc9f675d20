//! Browsers: which pages may call the service, and what is compressed for them.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, TestApp};

const QUERY: &str = r#"{"query":"{ __typename }"}"#;

async fn from(app: &TestApp, origin: &str) -> Answer {
    app.send(app.post().header("origin", origin).body(QUERY)).await
}

async fn preflight(app: &TestApp, origin: &str) -> Answer {
    let request = app.client.request(Method::OPTIONS, app.url()).header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    app.send(request.header("access-control-request-headers", "content-type,authorization,x-flowmatix-email")).await
}

#[tokio::test]
async fn no_origin_is_allowed_unless_it_is_named() {
    let app = TestApp::start().await;
    assert_eq!(from(&app, "https://app.example").await.header("access-control-allow-origin"), "");
    assert_eq!(preflight(&app, "https://app.example").await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn named_origins_are_allowed_exactly() {
    let origins = "https://app.example,http://localhost:5173";
    let app = TestApp::with(&[("http.cors_origins", origins), ("http.cors_credentials", "true")]).await;
    for origin in ["https://app.example", "http://localhost:5173"] {
        let answer = from(&app, origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert!(answer.header("vary").contains("origin"));
        let allowed = preflight(&app, origin).await;
        assert_eq!(allowed.header("access-control-allow-origin"), origin);
        assert!(allowed.header("access-control-allow-headers").contains("x-flowmatix-email"));
    }
    for origin in ["https://app.example.evil.example", "http://app.example", "https://APP.example", "null"] {
        assert_eq!(from(&app, origin).await.header("access-control-allow-origin"), "", "{origin}");
        assert_eq!(preflight(&app, origin).await.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn all_origins_are_allowed_without_credentials() {
    let app = TestApp::with(&[("http.cors_origins", "*")]).await;
    let answer = from(&app, "https://anywhere.example").await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn large_answers_are_compressed_and_small_ones_are_not() {
    let app = TestApp::start().await;
    // One that does not unpack.
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let ask = async |query: &str, accepted: &str| {
        let request =
            client.post(app.url()).header("content-type", "application/json").header("accept-encoding", accepted);
        let response = request.body(json!({ "query": query }).to_string()).send().await.unwrap();
        let header = |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let headers = (header("content-encoding"), header("vary"));
        (headers.0, headers.1, response.bytes().await.unwrap().len())
    };
    let large = "{ teamMembers { nodes { id name contact { email } role { id } picture } } }";
    let (_, _, plain) = ask(large, "identity").await;
    for (accepted, used) in [("gzip", "gzip"), ("br", "br"), ("gzip, br", "br"), ("zstd", "zstd")] {
        let (encoding, vary, length) = ask(large, accepted).await;
        assert_eq!(encoding, used, "{accepted}");
        assert!(vary.contains("accept-encoding"));
        assert!(used.is_empty() || length < plain / 2, "{length} of {plain}");
    }
    assert_eq!(ask("{ __typename }", "gzip").await.0, "");
}

#[tokio::test]
async fn a_host_can_be_named() {
    let app = TestApp::with(&[("http.allowed_hosts", "team.internal")]).await;
    for (host, status) in [("team.internal", 200), ("TEAM.internal:8080", 200), ("other.internal", 421)] {
        assert_eq!(app.send(app.post().header("host", host).body(QUERY)).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn variables_are_checked_before_anything_runs() {
    let app = TestApp::start().await;
    let cases = [
        (
            "query($id: ID!) { teamMember(id: $id) { id } }",
            json!({}),
            "Variable \"$id\" of required type \"ID!\" was not provided.",
        ),
        (
            "query($id: ID!) { teamMember(id: $id) { id } }",
            json!({ "id": null }),
            "Variable \"$id\" of non-null type \"ID!\" must not be null.",
        ),
        ("query($n: Int) { teamMembers(first: $n) { totalCount } }", json!({ "n": "5" }), ""),
        ("query($n: Int) { teamMembers(first: $n) { totalCount } }", json!({ "n": 1.5 }), ""),
        ("query($n: Int) { teamMembers(first: $n) { totalCount } }", json!({ "n": 3_000_000_000_i64 }), ""),
        ("query($a: AccountInput!) { roles(account: $a) { id } }", json!({ "a": { "email": "a@b.example" } }), ""),
        (
            "query($a: AccountInput!) { roles(account: $a) { id } }",
            json!({ "a": { "email": "no", "type": "AGENT" } }),
            "",
        ),
        (
            "query($a: AccountInput!) { roles(account: $a) { id } }",
            json!({ "a": { "email": "a@b.example", "type": "KING" } }),
            "",
        ),
        // Not a root field's: nothing of it may run either.
        (
            "query($d: DateTime) { roles { members(filter: { createdAt: { after: $d } }) { totalCount } } }",
            json!({ "d": "soon" }),
            "",
        ),
    ];
    for (query, variables, message) in cases {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = app.post().header("accept", "application/graphql-response+json").body(body);
        let answer = app.send(request).await;
        assert_eq!((answer.status, answer.codes()), (400, vec!["BAD_USER_INPUT"]), "{query} {}", answer.body);
        assert!(answer.body.get("data").is_none());
        if !message.is_empty() {
            assert_eq!(answer.body["errors"][0]["message"], message);
        }
    }
    assert_eq!(app.demo.calls(), 0);
}
