//! Account selection: which account a request reads, and that an invalid selection never falls back to another account.

use serde_json::json;

use crate::support::{Answer, TestApp, account};

const QUERY: &str = r#"{"query":"{ teamMembers { totalCount } }"}"#;

async fn with_headers(app: &TestApp, headers: &[(&str, &str)]) -> Answer {
    let request = headers.iter().fold(app.post(), |request, (name, value)| request.header(*name, *value));
    app.send(request.body(QUERY)).await
}

#[tokio::test]
async fn without_a_name_the_configured_account_is_read() {
    let app = TestApp::start().await;
    let data = app.query("{ teamMembers { totalCount nodes { account { email type } } } }").await.clean();
    assert_eq!(data["teamMembers"]["totalCount"], 12);
    assert_eq!(
        data["teamMembers"]["nodes"][0]["account"],
        json!({ "email": "maya@lantern-books.example", "type": "CUSTOMER" })
    );
}

#[tokio::test]
async fn headers_name_an_account() {
    let app = TestApp::start().await;
    let named = [("x-flowmatix-email", "OPS@tall-pines.example "), ("x-flowmatix-type", "CUSTOM_USER")];
    let answer = with_headers(&app, &named).await;
    assert_eq!(answer.clean(), json!({ "teamMembers": { "totalCount": 250 } }));
}

#[tokio::test]
async fn the_argument_may_repeat_the_headers_but_not_contradict_them() {
    let app = TestApp::start().await;
    let ask = |place| {
        let query = format!("{{ teamMembers({}) {{ totalCount }} }}", account(place));
        let request = app.post().header("x-flowmatix-email", "ops@tall-pines.example");
        app.send(request.header("x-flowmatix-type", "CUSTOM_USER").body(json!({ "query": query }).to_string()))
    };
    assert_eq!(ask(2).await.clean(), json!({ "teamMembers": { "totalCount": 250 } }));
    let refused = ask(0).await;
    assert_eq!(refused.codes(), ["FORBIDDEN"]);
    assert_eq!(refused.data(), &json!({ "teamMembers": null }));
    assert_eq!(app.demo.calls(), 1);
}

#[tokio::test]
async fn half_a_pair_a_duplicate_or_an_invalid_value_is_refused() {
    let app = TestApp::start().await;
    let (email, kind) = ("x-flowmatix-email", "x-flowmatix-type");
    let wrong: [&[(&str, &str)]; 7] = [
        &[(email, "ops@tall-pines.example")],
        &[(kind, "CUSTOM_USER")],
        &[(email, "ops@tall-pines.example"), (kind, "custom_user")],
        &[(email, "not an address"), (kind, "CUSTOM_USER")],
        &[(email, ""), (kind, "")],
        &[(email, "a@b.example"), (email, "a@b.example"), (kind, "AGENT")],
        &[(email, "a@b.example"), (kind, "AGENT"), (kind, "AGENT")],
    ];
    for headers in wrong {
        let answer = with_headers(&app, headers).await;
        assert_eq!((answer.status, answer.codes()), (200, vec!["BAD_USER_INPUT"]), "{headers:?}");
    }
    assert_eq!(app.demo.calls(), 0);
}

#[tokio::test]
async fn no_account_at_all_is_said_so() {
    let app = TestApp::with(&[("account.email", ""), ("account.type", "")]).await;
    let answer = app.query("{ teamMembers { totalCount } roles { id } }").await;
    assert_eq!(answer.codes(), ["ACCOUNT_REQUIRED", "ACCOUNT_REQUIRED"]);
    assert_eq!(answer.data(), &json!({ "teamMembers": null, "roles": null }));
    assert_eq!(app.demo.calls(), 0);
}

#[tokio::test]
async fn sources_can_be_switched_off() {
    let app = TestApp::with(&[("account.sources", "headers")]).await;
    let by_argument = app.query(&format!("{{ teamMembers({}) {{ totalCount }} }}", account(0))).await;
    assert_eq!(by_argument.codes(), ["FORBIDDEN"]);
    assert_eq!(app.query("{ teamMembers { totalCount } }").await.codes(), ["ACCOUNT_REQUIRED"]);

    let app = TestApp::with(&[("account.sources", "default")]).await;
    let named = [("x-flowmatix-email", "maya@lantern-books.example"), ("x-flowmatix-type", "CUSTOMER")];
    let by_headers = with_headers(&app, &named).await;
    assert_eq!((by_headers.status, by_headers.codes()), (403, vec!["FORBIDDEN"]));
    assert_eq!(with_headers(&app, &[]).await.clean(), json!({ "teamMembers": { "totalCount": 12 } }));
}

#[tokio::test]
async fn an_email_address_has_one_spelling() {
    let app = TestApp::start().await;
    let spelled =
        |email: &str| format!("teamMembers(account: {{ email: \"{email}\", type: CUSTOMER }}) {{ totalCount }}");
    let query =
        format!("{{ a: {} b: {} }}", spelled("Maya@Lantern-Books.example"), spelled("  maya@lantern-books.EXAMPLE"));
    let answer = app.query(&query).await;
    assert_eq!(answer.upstream()["calls"], 1);
    answer.clean();
    assert_eq!(app.demo.log()[0].parameter("email"), Some("maya@lantern-books.example"));
}

#[tokio::test]
async fn an_address_reaches_the_upstream_as_one_parameter() {
    let app = TestApp::start().await;
    app.query(r#"{ roles(account: { email: "x&type=ADMIN#@evil.example", type: AGENT }) { id } }"#).await;
    let call = &app.demo.log()[0];
    let parameters: Vec<_> = call.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(parameters, [("email", "x&type=admin#@evil.example"), ("type", "AGENT")]);
}

#[tokio::test]
async fn an_invalid_address_is_refused_before_any_call() {
    let app = TestApp::start().await;
    for email in ["nobody", "a@b@c.example", "a b@c.example", "a@-b.example", "", "a@"] {
        let variables = json!({ "account": { "email": email, "type": "AGENT" } });
        let answer =
            app.variables("query($account: AccountInput) { roles(account: $account) { id } }", variables).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{email}");
    }
    assert_eq!(app.demo.calls(), 0);
}

#[tokio::test]
async fn one_failing_account_does_not_touch_the_other() {
    let app = TestApp::start().await;
    let unknown = r#"account: { email: "nobody@nowhere.example", type: AGENT }"#;
    let answer =
        app.query(&format!("{{ a: teamMembers({unknown}) {{ totalCount }} b: teamMembers {{ totalCount }} }}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.data(), &json!({ "a": null, "b": { "totalCount": 12 } }));
    assert_eq!(answer.codes(), ["UPSTREAM_REJECTED"]);
    assert_eq!(answer.body["errors"][0]["path"], json!(["a"]));
    assert_eq!(answer.body["errors"][0]["message"], "the upstream refused the request (404): User not found");
}

#[tokio::test]
async fn in_passthrough_the_callers_token_is_the_upstreams() {
    let app = TestApp::with(&[("auth.mode", "passthrough")]).await;
    let ask = |token: &str| app.send(app.post().bearer_auth(token).body(QUERY));
    assert_eq!(ask("demo-lantern-token").await.clean(), json!({ "teamMembers": { "totalCount": 12 } }));
    let other = ask("demo-pines-token").await;
    assert_eq!((other.status, other.codes()), (200, vec!["UPSTREAM_FORBIDDEN"]));
    let unknown = ask("nobodys-token").await;
    assert_eq!(unknown.codes(), ["UPSTREAM_UNAUTHENTICATED"]);
    let tokens: Vec<_> = app.demo.log().into_iter().map(|call| call.token.unwrap()).collect();
    assert_eq!(tokens, ["demo-lantern-token", "demo-pines-token", "nobodys-token"]);
}

#[tokio::test]
async fn in_passthrough_a_request_without_one_good_token_gets_nowhere() {
    let app = TestApp::with(&[("auth.mode", "passthrough")]).await;
    let long = format!("Bearer {}", "x".repeat(9000));
    let wrong: [&[&str]; 7] =
        [&[], &["Bearer a", "Bearer b"], &["Basic abc"], &["Bearer"], &["Bearer "], &["Bearer a b"], &[&long]];
    for values in wrong {
        let request = values.iter().fold(app.post(), |request, value| request.header("authorization", *value));
        let answer = app.send(request.body(QUERY)).await;
        assert_eq!((answer.status, answer.codes()), (401, vec!["UNAUTHENTICATED"]), "{values:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    assert_eq!(app.demo.calls(), 0);
}

#[tokio::test]
async fn callers_with_different_tokens_do_not_share_rosters() {
    let app = TestApp::with(&[("auth.mode", "passthrough")]).await;
    for token in ["demo-lantern-token", "demo-agency-token"] {
        app.send(app.post().bearer_auth(token).body(QUERY)).await.clean();
    }
    assert_eq!(app.demo.calls(), 2);
}
