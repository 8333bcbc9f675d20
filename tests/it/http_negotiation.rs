//! Content negotiation: media type, status, coding, and the headers that caches need.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::{Answer, TestApp, decoded};

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";
const QUERY: &str = r#"{"query":"{ __typename }"}"#;

fn media_type(answer: &Answer) -> &str {
    answer.header("content-type").split(';').next().unwrap()
}

#[tokio::test]
async fn accept_is_read_to_the_letter() {
    let app = TestApp::start().await;
    for (accept, expected) in [
        ("", JSON),
        (" ", JSON),
        (",,", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json;q=0, */*", GRAPHQL),
        ("*/*, application/json;q=0", GRAPHQL),
        ("application/graphql-response+json;q=0, */*;q=0.1", JSON),
        ("application/*;q=0.1, */*;q=0.9", JSON),
        ("application/json;q=0.3, application/*;q=0.8", GRAPHQL),
        ("application/json;q=0.8, application/*;q=0.3", JSON),
        ("application/json;q=0.8, application/graphql-response+json;q=0.8", GRAPHQL),
        ("application/json;q=0.801, application/graphql-response+json;q=0.8", JSON),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/json, */*", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/json;Q=1.000", JSON),
        ("application/graphql-response+json;charset=\"UTF-8\"", GRAPHQL),
        ("application/graphql-response+json;charset=latin1, application/json", JSON),
        ("text/html;x=\"a,application/graphql-response+json\", application/json", JSON),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),
        ("application/json;q=high, application/graphql-response+json;q=0.1", GRAPHQL),
        ("application/graphql-response+json;q=2, application/json;q=0.1", JSON),
        ("application/json;q=0.0001", JSON),
        ("multipart/mixed, application/graphql-response+json, application/json", GRAPHQL),
        (
            "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
            GRAPHQL,
        ),
    ] {
        let answer = app.send(app.post().header("accept", accept).body(QUERY)).await;
        assert_eq!((answer.status, media_type(&answer)), (200, expected), "{accept:?}");
    }
    for accept in [
        "text/html",
        "*/*;q=0",
        "application/json;q=0",
        "application/*;q=0, */*",
        "application/json;q=0.000, application/graphql-response+json;q=0",
        "application/json;charset=utf-16",
        "application/jsonp",
        "application/json;q=-1",
    ] {
        let answer = app.send(app.post().header("accept", accept).body(QUERY)).await;
        assert_eq!((answer.status, answer.codes()), (406, vec!["INVALID_ACCEPT_HEADER"]), "{accept:?}");
        assert_eq!(media_type(&answer), JSON, "{accept:?}");
    }
}

#[tokio::test]
async fn accept_encoding_is_read_to_the_letter() {
    let app = TestApp::start().await;
    // One that does not decode.
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let ask = async |query: &str, accepted: &str| {
        let request = client.post(app.url()).header("content-type", JSON).header("accept-encoding", accepted);
        let response = request.body(json!({ "query": query }).to_string()).send().await.unwrap();
        let header = |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        (response.status().as_u16(), header("content-encoding"), header("vary"), response.bytes().await.unwrap())
    };
    let large = "{ teamMembers { nodes { id name contact { email } role { id } picture } } }";
    let small = "{ __typename }";
    ask(large, "identity").await;
    let plain = ask(large, "identity").await.3;
    for (accepted, of_large, of_small) in [
        ("", "", ""),
        ("identity", "", ""),
        ("gzip", "gzip", ""),
        ("x-gzip", "gzip", ""),
        ("br", "br", ""),
        ("zstd", "zstd", ""),
        ("GZip", "gzip", ""),
        ("deflate, lzma", "", ""),
        ("gzip, deflate, br, zstd", "zstd", ""),
        ("gzip, br", "br", ""),
        ("zstd;q=0.5, br;q=0.4, gzip;q=0.6", "gzip", ""),
        ("gzip;q=0", "", ""),
        ("*", "zstd", ""),
        ("*;q=0.1, zstd;q=0", "br", ""),
        ("*;q=0, identity", "", ""),
        ("identity, gzip;q=0.5", "", ""),
        ("identity;q=0.5, gzip", "gzip", ""),
        ("identity;q=0, gzip", "gzip", "gzip"),
        ("identity;q=0, *", "zstd", "zstd"),
        ("*;q=0, br", "br", "br"),
        ("gzip;q=1, *;q=0", "gzip", "gzip"),
    ] {
        for (query, expected) in [(large, of_large), (small, of_small)] {
            let (status, coding, vary, body) = ask(query, accepted).await;
            assert_eq!((status, coding.as_str()), (200, expected), "{accepted:?} {query}");
            assert_eq!(vary.matches("accept-encoding").count(), 1, "{accepted:?}: {vary}");
            let decoded = decoded(expected, &body);
            if query == large {
                assert_eq!(decoded, plain, "{accepted:?}");
            } else {
                assert_eq!(decoded, br#"{"data":{"__typename":"Query"}}"#, "{accepted:?}");
            }
        }
    }
    for accepted in ["identity;q=0", "*;q=0", "identity;q=0, gzip;q=0, deflate", "identity;q=0, *;q=0"] {
        let (status, coding, _, body) = ask(large, accepted).await;
        assert_eq!((status, coding.as_str()), (406, ""), "{accepted:?}");
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "INVALID_ACCEPT_HEADER");
    }
}

/// Every header that can change what a GET is answered is in `Vary`. Whether a header does is found by trying it.
#[tokio::test]
async fn vary_names_every_header_that_changes_a_good_answer() {
    let secret = crate::support::TempFile::new("router-secret", "0123456789abcdef0123456789abcdef");
    let app = TestApp::with(&[
        ("federation.enabled", "true"),
        ("federation.secret_file", secret.as_str()),
        ("http.cors_origins", "https://app.example"),
    ])
    .await;
    // One that does not decode.
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let queries =
        ["{ teamMembers { nodes { id name picture contact { email } } totalCount } }", "{ _service { sdl } }"];
    let get = |query: &str, headers: &[(&str, &str)]| {
        let request = client.get(app.url()).query(&[("query", query)]).header("apollo-require-preflight", "1");
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    let seen = |answer: &Answer| {
        let mut body = answer.body.clone();
        // What differs from one second to the next.
        if body.is_object() {
            body["extensions"]["upstream"] = json!(null);
        }
        let kept = ["content-type", "content-encoding", "access-control-allow-origin"];
        (answer.status, kept.map(|name| answer.header(name).to_owned()), body)
    };
    // The first answer is a "miss".
    app.send(get(queries[0], &[])).await;
    let vary = app.send(get(queries[0], &[])).await;
    let vary: Vec<String> = vary.header("vary").split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    let (mut changing, pines) = (Vec::new(), "ops@tall-pines.example");
    for (name, headers) in [
        ("accept", vec![("accept", GRAPHQL)]),
        ("accept-encoding", vec![("accept-encoding", "gzip")]),
        ("origin", vec![("origin", "https://app.example")]),
        ("x-flowmatix-email", vec![("x-flowmatix-email", pines), ("x-flowmatix-type", "CUSTOM_USER")]),
        ("x-flowmatix-type", vec![("x-flowmatix-type", "CUSTOM_USER"), ("x-flowmatix-email", pines)]),
        ("x-flowmatix-max-age", vec![("x-flowmatix-max-age", "soon")]),
        ("x-flowmatix-show-cost", vec![("x-flowmatix-show-cost", "true")]),
        ("x-flowmatix-router-secret", vec![("x-flowmatix-router-secret", "0123456789abcdef0123456789abcdef")]),
        ("user-agent", vec![("user-agent", "x")]),
        ("x-request-id", vec![("x-request-id", "x")]),
        ("cookie", vec![("cookie", "x=y")]),
        ("accept-language", vec![("accept-language", "de")]),
        ("x-forwarded-for", vec![("x-forwarded-for", "203.0.113.7")]),
        ("if-none-match", vec![("if-none-match", "\"x\"")]),
        ("range", vec![("range", "bytes=0-1")]),
    ] {
        for query in queries {
            let plain = seen(&app.send(get(query, &[])).await);
            if seen(&app.send(get(query, &headers)).await) != plain {
                changing.push(name);
                assert!(vary.contains(&name.to_owned()), "{name} changes the answer, and Vary is {vary:?}");
            }
        }
    }
    changing.dedup();
    let expected = [
        "accept",
        "accept-encoding",
        "origin",
        "x-flowmatix-email",
        "x-flowmatix-type",
        "x-flowmatix-max-age",
        "x-flowmatix-show-cost",
        "x-flowmatix-router-secret",
    ];
    assert_eq!(changing, expected);
    assert!(vary.contains(&"authorization".to_owned()));
}

/// A request by POST, with a media type to accept.
fn ask(app: &TestApp, accept: &str, body: &str) -> RequestBuilder {
    app.post().header("accept", accept.to_owned()).body(body.to_owned())
}

#[tokio::test]
async fn each_way_of_failing_has_its_status_in_each_media_type_and_edition() {
    let many = format!("{{ {} }}", (0..65).map(|n| format!("a{n}: __typename ")).collect::<String>());
    let body = |query: &str| json!({ "query": query }).to_string();
    // Status by the audits' table and by the 2026 edition's, both as application/graphql-response+json, and as application/json.
    let cases = [
        (QUERY.to_owned(), 200, 200, 200),
        (body("{ teamMembers(account: { email: \"nobody@nowhere.example\", type: AGENT }) { totalCount } __typename }"), 200, 294, 200),
        (body("{"), 400, 400, 200),
        (body("{ nothing }"), 400, 422, 200),
        (body("query A { __typename } query B { __typename }"), 400, 422, 200),
        (json!({ "query": "query($n: Int!) { teamMembers(first: $n) { totalCount } }" }).to_string(), 400, 422, 200),
        (body(&many), 400, 422, 200),
        (body(&format!("{{ __typename {} }}", "@skip(if: false) ".repeat(6))), 400, 422, 200),
        (json!({ "query": "{ __typename }", "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "x" } } }).to_string(), 400, 422, 200),
        (json!({ "documentId": "unknown" }).to_string(), 200, 404, 200),
        ("{".to_owned(), 400, 400, 400),
        ("{}".to_owned(), 400, 422, 400),
        ("7".to_owned(), 400, 422, 400),
        (json!({ "query": 7 }).to_string(), 400, 422, 400),
        (json!({ "query": "{ __typename }", "variables": [7] }).to_string(), 400, 422, 400),
        (format!("[{QUERY}]"), 400, 422, 400),
        (body(&format!("{{ __typename #{}\n }}", "x".repeat(33_000))), 413, 413, 413),
    ];
    for edition in ["audits", "2026"] {
        let app = TestApp::with(&[("http.statuses", edition)]).await;
        for (body, audits, edition_2026, json) in &cases {
            let expected = if edition == "audits" { *audits } else { *edition_2026 };
            for (accept, expected) in [(GRAPHQL, expected), (JSON, *json)] {
                let answer = app.send(ask(&app, accept, body)).await;
                assert_eq!(answer.status, expected, "{edition} {accept} {body:.100} {}", answer.body);
            }
        }
        // The rest is the same in both editions and media types.
        for accept in [GRAPHQL, JSON] {
            let put = app.client.put(app.url()).header("accept", accept).body(QUERY);
            assert_eq!(app.send(put).await.status, 405);
            let text =
                app.client.post(app.url()).header("accept", accept).header("content-type", "text/plain").body(QUERY);
            assert_eq!(app.send(text).await.status, 415);
            assert_eq!(app.send(ask(&app, accept, QUERY).header("host", "evil.example")).await.status, 421);
            let half =
                app.send(ask(&app, accept, QUERY).header("x-flowmatix-email", "maya@lantern-books.example")).await;
            let expected = match (accept, edition) {
                (JSON, _) => 200,
                (_, "audits") => 400,
                _ => 422,
            };
            assert_eq!((half.status, half.codes()), (expected, vec!["BAD_USER_INPUT"]), "half a pair of headers");
        }
    }
}

#[tokio::test]
async fn refusals_of_the_caller_keep_their_status_in_both_media_types() {
    let app = TestApp::with(&[("auth.mode", "passthrough"), ("http.rate_limit", "1"), ("http.rate_burst", "1")]).await;
    for accept in [GRAPHQL, JSON] {
        assert_eq!(app.send(ask(&app, accept, QUERY)).await.status, 401);
    }
    app.send(ask(&app, JSON, QUERY).bearer_auth("demo-lantern-token")).await;
    for accept in [GRAPHQL, JSON] {
        let often = app.send(ask(&app, accept, QUERY).bearer_auth("demo-lantern-token")).await;
        assert_eq!((often.status, often.codes()), (429, vec!["REQUEST_RATE_LIMITED"]));
    }
}

#[tokio::test]
async fn query_is_a_safe_method_with_a_body() {
    let app = TestApp::start().await;
    let query = || app.client.request(Method::QUERY, app.url());
    let body =
        json!({ "query": "query($n: Int) { teamMembers(first: $n) { nodes { id } } }", "variables": { "n": 2 } });
    let answer = app.send(query().header("content-type", JSON).body(body.to_string())).await;
    assert_eq!(answer.header("cache-control"), "private, max-age=59");
    assert_eq!(answer.clean()["teamMembers"]["nodes"].as_array().unwrap().len(), 2);
    // No other site's page can send it unasked, so it needs no further proof.
    let mutation =
        app.send(query().header("content-type", JSON).body(json!({ "query": "mutation { a }" }).to_string())).await;
    assert_eq!(
        (mutation.status, mutation.codes(), mutation.header("allow")),
        (405, vec!["METHOD_NOT_ALLOWED"], "POST")
    );
    let missing = app.send(query().body(QUERY)).await;
    assert_eq!((missing.status, missing.codes()), (400, vec!["INVALID_CONTENT_TYPE_HEADER"]));
    let other = app.send(query().header("content-type", "application/sql").body("SELECT 1")).await;
    assert_eq!((other.status, other.codes()), (415, vec!["INVALID_CONTENT_TYPE_HEADER"]));
    for answer in [missing, other, app.send(app.client.request(Method::OPTIONS, app.url())).await] {
        assert_eq!(answer.header("accept-query"), "application/json");
    }
    let get = app.client.get(app.url()).query(&[("query", "{ __typename }")]).header("apollo-require-preflight", "1");
    assert_eq!(app.send(get).await.header("accept-query"), "application/json");
    let app = TestApp::with(&[("http.cors_origins", "https://app.example")]).await;
    let preflight = app.client.request(Method::OPTIONS, app.url()).header("origin", "https://app.example");
    let allowed = app.send(preflight.header("access-control-request-method", "QUERY")).await;
    assert!(allowed.header("access-control-allow-methods").contains("QUERY"));
    let put = app.send(app.client.put(app.url())).await;
    assert_eq!(
        (put.header("allow"), put.header("accept-query")),
        ("GET, HEAD, POST, QUERY, OPTIONS", "application/json")
    );
}

#[tokio::test]
async fn allow_does_not_name_get_where_it_is_switched_off() {
    let app = TestApp::with(&[("http.get_queries", "false")]).await;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS] {
        let answer = app.send(app.client.request(method.clone(), app.url())).await;
        assert_eq!(answer.status, if method == Method::OPTIONS { 204 } else { 405 }, "{method}");
        assert_eq!(answer.header("allow"), "POST, QUERY, OPTIONS", "{method}");
    }
}

/// What urql sends by default: a GET without any header of its own.
#[tokio::test]
async fn a_get_of_the_same_origin_needs_no_other_proof() {
    let app = TestApp::start().await;
    let get = |site: &str| {
        let accept = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed";
        let request = app.client.get(app.url()).query(&[("query", "{ __typename }")]).header("accept", accept);
        app.send(request.header("sec-fetch-site", site.to_owned()).header("sec-fetch-mode", "cors"))
    };
    for site in ["same-origin", "none"] {
        get(site).await.clean();
    }
    for site in ["same-site", "cross-site", "", "same-origin, cross-site", "SAME-ORIGIN"] {
        let answer = get(site).await;
        assert_eq!((answer.status, answer.codes()), (403, vec!["CSRF_ERROR"]), "{site}");
    }
    let request = app.client.get(app.url()).query(&[("query", "{ __typename }")]);
    let both = request.header("sec-fetch-site", "same-origin").header("sec-fetch-site", "cross-site");
    assert_eq!(app.send(both).await.status, 403);
}
