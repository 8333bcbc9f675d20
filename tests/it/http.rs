//! GraphQL over HTTP: methods, media types, statuses, headers.

use reqwest::Method;
use serde_json::json;

use crate::support::TestApp;

const GRAPHQL: &str = "application/graphql-response+json";
const QUERY: &str = r#"{"query":"{ __typename }"}"#;

#[tokio::test]
async fn accept_decides_the_media_type_and_the_status_of_a_bad_document() {
    let app = TestApp::start().await;
    let cases = [
        (None, "application/json", 200),
        (Some("*/*"), "application/json", 200),
        (Some("application/json"), "application/json", 200),
        (Some(GRAPHQL), GRAPHQL, 400),
        (Some("application/graphql-response+json, application/json;q=0.9"), GRAPHQL, 400),
        (Some("application/json, application/graphql-response+json"), GRAPHQL, 400),
        (Some("application/graphql-response+json;q=0.1, application/json"), "application/json", 200),
        (Some("text/html, */*;q=0.1"), "application/json", 200),
        (Some("application/json; charset=UTF-8"), "application/json", 200),
    ];
    for (accept, media_type, bad_status) in cases {
        let ask = |body: &'static str| {
            let request = accept.iter().fold(app.post(), |request, accept| request.header("accept", *accept));
            app.send(request.body(body))
        };
        let good = ask(QUERY).await;
        assert_eq!(good.status, 200, "{accept:?}");
        assert_eq!(good.header("content-type"), format!("{media_type}; charset=utf-8"), "{accept:?}");
        for bad in
            [r#"{"query":"{"}"#, r#"{"query":"{ nothing }"}"#, r#"{"query":"{ __typename }","operationName":"X"}"#]
        {
            let answer = ask(bad).await;
            assert_eq!(answer.status, bad_status, "{accept:?} {bad}");
            assert!(answer.body.get("data").is_none(), "{bad}");
        }
    }
    let refused = app.send(app.post().header("accept", "text/html").body(QUERY)).await;
    assert_eq!((refused.status, refused.codes()), (406, vec!["INVALID_ACCEPT_HEADER"]));
}

#[tokio::test]
async fn bodies_that_are_no_requests_are_refused_clearly() {
    let app = TestApp::start().await;
    let cases = [
        ("", 400, "BAD_REQUEST"),
        ("{", 400, "BAD_REQUEST"),
        ("3", 400, "BAD_REQUEST"),
        ("{}", 400, "BAD_REQUEST"),
        (r#"{"query":null}"#, 400, "BAD_REQUEST"),
        (r#"{"query":7}"#, 400, "BAD_REQUEST"),
        (r#"{"query":"{ __typename }","variables":[]}"#, 400, "BAD_REQUEST"),
        (r#"{"query":"{ __typename }","variables":"{}"}"#, 400, "BAD_REQUEST"),
        (r#"{"query":"{ __typename }","operationName":1}"#, 400, "BAD_REQUEST"),
        (r#"{"query":"{ __typename }","extensions":"x"}"#, 400, "BAD_REQUEST"),
        (r#"[{"query":"{ __typename }"}]"#, 400, "BATCHING_NOT_ENABLED"),
        (r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}"#, 200, "PERSISTED_QUERY_NOT_FOUND"),
        (r#"{"extensions":{"persistedQuery":"x"}}"#, 400, "BAD_REQUEST"),
        (r#"{"query":"query A { __typename } query B { __typename }"}"#, 200, "OPERATION_RESOLUTION_FAILURE"),
    ];
    for (body, status, code) in cases {
        let answer = app.send(app.post().body(body)).await;
        assert_eq!((answer.status, answer.codes()), (status, vec![code]), "{body}");
        assert!(answer.body.get("data").is_none(), "{body}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let fine = r#"{"query":"query A { __typename } query B { b: __typename }","operationName":"B","variables":null,"extensions":null,"more":1}"#;
    assert_eq!(app.send(app.post().body(fine)).await.clean(), json!({ "b": "Query" }));
    let large = format!(r#"{{"query":"{{ __typename }}","x":"{}"}}"#, "x".repeat(1 << 20));
    let answer = app.send(app.post().body(large)).await;
    assert_eq!((answer.status, answer.codes()), (413, vec!["REQUEST_TOO_LARGE"]));
}

#[tokio::test]
async fn bodies_come_as_json_only() {
    let app = TestApp::start().await;
    let url = app.url();
    for media_type in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql"]
    {
        let answer = app.send(app.client.post(&url).header("content-type", media_type).body(QUERY)).await;
        assert_eq!((answer.status, answer.codes()), (415, vec!["INVALID_CONTENT_TYPE_HEADER"]), "{media_type}");
    }
    let answer = app.send(app.client.post(&url).body(QUERY)).await;
    assert_eq!(answer.status, 415);
    let charset = app.client.post(&url).header("content-type", "Application/JSON; charset=\"utf-8\"");
    app.send(charset.body(QUERY)).await.clean();
}

#[tokio::test]
async fn queries_can_be_sent_with_get_by_a_script_that_shows_itself() {
    let app = TestApp::start().await;
    let get = |query: &str| {
        app.client.get(app.url()).query(&[("query", query), ("operationName", ""), ("variables", r#"{"n":1}"#)])
    };
    let query = "query($n: Int) { teamMembers(first: $n) { nodes { __typename } } }";
    let plain = app.send(get(query)).await;
    assert_eq!((plain.status, plain.codes()), (403, vec!["CSRF_ERROR"]));
    assert_eq!(app.demo.calls(), 0);
    for (name, value) in [
        ("apollo-require-preflight", "true"),
        ("x-apollo-operation-name", "Team"),
        ("content-type", "application/json"),
    ] {
        let data = app.send(get(query).header(name, value)).await.clean();
        assert_eq!(data["teamMembers"]["nodes"].as_array().unwrap().len(), 1, "{name}");
    }
    let mutation = app.send(get("mutation { a }").header("apollo-require-preflight", "1")).await;
    assert_eq!(
        (mutation.status, mutation.codes(), mutation.header("allow")),
        (405, vec!["METHOD_NOT_ALLOWED"], "POST")
    );
    for query_string in
        ["", "variables={}", "query=%7B__typename%7D&query=%7B__typename%7D", "query=%7B__typename%7D&variables=x"]
    {
        let url = format!("{}?{query_string}", app.url());
        let answer = app.send(app.client.get(url).header("apollo-require-preflight", "1")).await;
        assert_eq!((answer.status, answer.codes()), (400, vec!["BAD_REQUEST"]), "{query_string}");
    }
}

#[tokio::test]
async fn other_methods_and_paths_are_refused_in_graphqls_shape() {
    let app = TestApp::start().await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = app.send(app.client.request(method, app.url()).body(QUERY)).await;
        assert_eq!((answer.status, answer.codes()), (405, vec!["METHOD_NOT_ALLOWED"]));
        assert!(answer.header("allow").contains("POST"));
    }
    let unknown = Method::from_bytes(b"BREW").unwrap();
    assert_eq!(app.send(app.client.request(unknown, app.url())).await.status, 405);
    let head = app.client.head(app.url()).query(&[("query", "{__typename}")]).header("apollo-require-preflight", "1");
    let head = head.send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "31"));
    assert!(head.bytes().await.unwrap().is_empty());
    let options = app.send(app.client.request(Method::OPTIONS, app.url())).await;
    assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, POST, QUERY, OPTIONS"));
    let missing = app.send(app.client.get(format!("http://{}/graphq", app.app.address()))).await;
    assert_eq!((missing.status, missing.codes()), (404, vec!["NOT_FOUND"]));
}

#[tokio::test]
async fn answers_may_be_kept_privately_as_long_as_they_are_fresh() {
    let app = TestApp::start().await;
    let answer = app.query("{ teamMembers { totalCount } }").await;
    assert_eq!(answer.header("cache-control"), "private, max-age=59");
    assert_eq!(answer.headers.get_all("cache-control").iter().count(), 1);
    for name in ["authorization", "accept", "x-flowmatix-email", "x-flowmatix-type"] {
        assert!(answer.header("vary").contains(name), "{name}");
    }
    assert_eq!(app.query("{ teamMembers(first: -1) { totalCount } }").await.header("cache-control"), "no-store");
}

/// Metrics and health, too: a page of another site that points its name here reads none of them.
#[tokio::test]
async fn the_admin_port_checks_the_host_where_callers_need_no_credential() {
    for (mode, foreign) in [("server", 421), ("passthrough", 200)] {
        let app = TestApp::with(&[("auth.mode", mode), ("http.allowed_hosts", "metrics.internal")]).await;
        for (host, status) in [("evil.example:8081", foreign), ("10.1.2.3:8081", 200), ("metrics.internal", 200)] {
            for path in ["/metrics", "/health/ready", "/health/live"] {
                let url = format!("http://{}{path}", app.app.admin_address());
                let answer = app.client.get(url).header("host", host).send().await.unwrap();
                assert_eq!(answer.status(), status, "{mode} {host} {path}");
            }
        }
    }
}

#[tokio::test]
async fn where_connecting_is_enough_the_host_must_be_this_machine() {
    let app = TestApp::start().await;
    for (host, status) in
        [("evil.example", 421), ("127.0.0.1.evil.example:8080", 421), ("localhost:1234", 200), ("[::1]", 200)]
    {
        let answer = app.send(app.post().header("host", host).body(QUERY)).await;
        assert_eq!(answer.status, status, "{host}");
    }
    let app = TestApp::with(&[("auth.mode", "passthrough")]).await;
    let answer = app.send(app.post().header("host", "api.example").bearer_auth("demo-lantern-token").body(QUERY)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_request_has_a_name() {
    let app = TestApp::start().await;
    let named = app.send(app.post().header("x-request-id", "order-7/retry:1").body(QUERY)).await;
    assert_eq!(named.header("x-request-id"), "order-7/retry:1");
    for unfit in ["", "a b", &"x".repeat(129), "<script>"] {
        let made = app.send(app.post().header("x-request-id", unfit).body(QUERY)).await;
        let id = made.header("x-request-id").to_owned();
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    }
}

#[tokio::test]
async fn an_account_that_takes_too_long_is_one_accounts_timeout() {
    let quick = [("upstream.timeout", "2s"), ("http.timeout", "100ms")];
    // The configuration would not allow this; the deadline of the request must hold all the same.
    let app = TestApp::with(&quick).await;
    let _gate = app.demo.hold();
    let answer = app.query("{ teamMembers { totalCount } }").await;
    assert_eq!((answer.status, answer.codes()), (200, vec!["UPSTREAM_TIMEOUT"]));
}

#[tokio::test]
async fn introspection_is_asked_for_where_it_is_switched_on() {
    let query = "{ __schema { queryType { name } } __type(name: \"Role\") { name } }";
    let app = TestApp::start().await;
    assert_eq!(app.query(query).await.clean()["__type"]["name"], "Role");
    let app = TestApp::with(&[("graphql.introspection", "false")]).await;
    let answer = app.query(query).await;
    assert_eq!((answer.status, answer.codes()), (200, vec!["INTROSPECTION_DISABLED"]));
    app.query("{ __typename }").await.clean();
}

/// What GraphiQL and code generators ask, as `getIntrospectionQuery()` of the npm package `graphql` has it.
#[tokio::test]
async fn the_tools_own_introspection_fits_the_limits() {
    let app = TestApp::start().await;
    let of_type = (0..9).fold("kind name".to_owned(), |inner, _| format!("kind name ofType {{ {inner} }}"));
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name kind }} mutationType {{ name kind }} subscriptionType {{ name kind }}
           types {{ ...FullType }} directives {{ name description locations args {{ ...InputValue }} }} }} }}
         fragment FullType on __Type {{ kind name description
           fields(includeDeprecated: true) {{ name description args {{ ...InputValue }} type {{ ...TypeRef }} isDeprecated deprecationReason }}
           inputFields {{ ...InputValue }} interfaces {{ ...TypeRef }}
           enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }} possibleTypes {{ ...TypeRef }} }}
         fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue }}
         fragment TypeRef on __Type {{ {of_type} }}"
    );
    let data = app.query(&query).await.clean();
    assert!(data["__schema"]["types"].as_array().unwrap().len() > 30);
}

#[tokio::test]
async fn a_fragments_fields_are_not_the_roots() {
    let app = TestApp::start().await;
    let many = "name ".repeat(100);
    let query =
        format!("{{ teamMembers(first: 1) {{ nodes {{ ...Many }} }} }} fragment Many on TeamMember {{ {many} }}");
    app.query(&query).await.clean();
}

#[tokio::test]
async fn suggestions_are_made_where_they_are_switched_on() {
    let app = TestApp::start().await;
    let message = |answer: crate::support::Answer| answer.body["errors"][0]["message"].to_string();
    assert!(message(app.query("{ teamMembes { totalCount } }").await).contains("Did you mean"));
    let app = TestApp::with(&[("graphql.suggestions", "false")]).await;
    assert!(!message(app.query("{ teamMembes { totalCount } }").await).contains("Did you mean"));
}

#[tokio::test]
async fn documents_that_would_exhaust_the_engine_are_refused() {
    let app = TestApp::start().await;
    let mut bomb = String::from("{ ...f0 }");
    for n in 0..25 {
        bomb += &format!(" fragment f{n} on Query {{ ...f{0} ...f{0} }}", n + 1);
    }
    bomb += " fragment f25 on Query { __typename }";
    let many = |n: usize| format!("{{ {} }}", (0..n).map(|n| format!("a{n}: __typename ")).collect::<String>());
    let cases = [
        (format!("{{ roles(account: {}{}) {{ id }} }}", "[".repeat(1800), "]".repeat(1800)), "MAX_RECURSION_LIMIT"),
        (format!("{{ roles(account: {}", "{a:".repeat(1800)), "MAX_RECURSION_LIMIT"),
        (bomb, "MAX_SELECTIONS_LIMIT"),
        ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        (many(65), "MAX_ALIASES_LIMIT"),
        (format!("{{ {} }}", "__typename ".repeat(65)), "MAX_ROOT_FIELDS_LIMIT"),
        (format!("{{ {} }}", "__typename ".repeat(2001)), "MAX_TOKENS_LIMIT"),
        (format!("{{ __typename {} }}", "@skip(if: false) ".repeat(6)), "MAX_DIRECTIVES_LIMIT"),
        (format!("{{ __typename #{}\n }}", "x".repeat(33_000)), "REQUEST_TOO_LARGE"),
        ("{ roles { members { nodes { role { members { nodes { role { members { nodes { role { members { nodes { id } } } } } } } } } } } } }".to_owned(), "MAX_DEPTH_LIMIT"),
    ];
    for (document, code) in cases {
        let answer = app.query(&document).await;
        assert_eq!(answer.codes(), [code], "{document:.80}");
        assert!(answer.body.to_string().len() < 300);
    }
    assert_eq!(app.demo.calls(), 0);
    app.query(&many(64)).await.clean();
}

#[tokio::test]
async fn an_answer_past_the_limit_is_refused() {
    let app = TestApp::start().await;
    let query = "{ teamMembers { nodes { id name } } }";
    let body = json!({ "query": query }).to_string();
    let length = |text: String| text.len();
    app.query(query).await.clean();
    let exact = length(app.post().body(body.clone()).send().await.unwrap().text().await.unwrap());
    for (limit, codes) in [(exact, vec![]), (exact - 1, vec!["RESPONSE_TOO_LARGE"])] {
        let app = TestApp::with(&[("graphql.response_limit", &format!("{limit}B"))]).await;
        // The first answer is a "miss", and so no measure for a "hit".
        app.query(query).await;
        assert_eq!(app.query(query).await.codes(), codes, "{limit}");
    }
}

#[tokio::test]
async fn the_admin_port_tells_health_and_metrics() {
    let app = TestApp::start().await;
    let ask = |path: &str| app.send(app.client.get(format!("http://{}{path}", app.app.admin_address())));
    assert_eq!((ask("/health/live").await.status, ask("/health/ready").await.status), (200, 200));
    let metrics = ask("/metrics").await;
    assert_eq!(metrics.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    // GraphQL is not served there, and they are not served where GraphQL is.
    assert_eq!(ask("/graphql").await.status, 404);
    let public = app.client.get(format!("http://{}/metrics", app.app.address()));
    assert_eq!(app.send(public).await.status, 404);
}

#[tokio::test]
async fn a_refusal_lists_a_few_errors_and_no_more() {
    let wrong = |n: usize| format!("{{ {} }}", (0..n).map(|n| format!("wrong{n} ")).collect::<String>());
    let app = TestApp::start().await;
    assert_eq!(app.query(&wrong(5)).await.codes().len(), 5);
    assert_eq!(app.query(&wrong(30)).await.codes().len(), 5);
    let app = TestApp::with(&[("graphql.errors_limit", "2")]).await;
    assert_eq!(app.query(&wrong(30)).await.codes().len(), 2);
}
