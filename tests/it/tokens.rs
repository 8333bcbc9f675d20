//! Permanent tokens: issued only where the operator said so, for callers with the scope, one call each, and kept nowhere.

use aws_lc_rs::digest::{SHA256, digest};
use flowmatix_graphql::auth::NewKey;
use flowmatix_graphql::config::FederationConfig;
use flowmatix_graphql::demo::{ACCOUNTS, AGENCY_TOKEN, DemoSwitches, InvalidSwitches, Scripted};
use flowmatix_graphql::graphql::{api_sdl, federation_sdl};
use flowmatix_graphql::model::Scopes;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::issuer::{AUDIENCE, ISSUER, SigningKey, jwks};
use crate::support::{Answer, TempFile, TestApp};

const ENABLED: (&str, &str) = ("tokens.enabled", "true");
const PASSTHROUGH: (&str, &str) = ("auth.mode", "passthrough");
const MUTATION: &str = "mutation($a: AccountInput!) { issuePermanentToken(account: $a) { token active } }";

fn account(index: usize) -> Value {
    json!({ "email": ACCOUNTS[index].email, "type": ACCOUNTS[index].user_type })
}

fn body(index: usize) -> String {
    json!({ "query": MUTATION, "variables": { "a": account(index) } }).to_string()
}

async fn issue_as(app: &TestApp, token: &str, index: usize) -> Answer {
    app.send(app.post().bearer_auth(token).body(body(index))).await
}

fn field(answer: &Answer) -> &Value {
    &answer.data()["issuePermanentToken"]
}

/// The calls that asked the sample for a token.
fn issued(app: &TestApp) -> usize {
    app.demo.log().iter().filter(|call| call.path == "/ext/get-user-token").count()
}

#[tokio::test]
async fn a_token_is_issued_with_one_call_of_the_plan_and_opens_its_account_alone() {
    let app = TestApp::with(&[ENABLED, PASSTHROUGH, ("budget.calls_per_hour", "100")]).await;
    let answer = issue_as(&app, AGENCY_TOKEN, 2).await;
    assert_eq!(*field(&answer), json!({ "token": "demo-pines-permanent", "active": true }));
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert!(answer.codes().is_empty());
    // It is told what it cost, as other requests are.
    assert_eq!(answer.upstream()["calls"], 1);
    assert_eq!(answer.upstream()["budget"]["remaining"], 94);
    assert_eq!((issued(&app), app.demo.calls()), (1, 1));
    let call = app.demo.log().pop().unwrap();
    assert_eq!((call.parameter("email"), call.parameter("type")), (Some(ACCOUNTS[2].email), Some("CUSTOM_USER")));
    assert_eq!(call.token.as_deref(), Some(AGENCY_TOKEN));
    assert!(call.headers.contains(&"authtype".to_owned()));

    let members = |index: usize| {
        let AccountAs { email, user_type } = AccountAs::of(index);
        format!("{{ teamMembers(account: {{ email: \"{email}\", type: {user_type} }}) {{ totalCount }} }}")
    };
    let opened = app.query_as("demo-pines-permanent", &members(2)).await.clean();
    assert_eq!(opened["teamMembers"]["totalCount"], 250);
    let foreign = app.query_as("demo-pines-permanent", &members(0)).await;
    assert_eq!(foreign.codes(), ["UPSTREAM_FORBIDDEN"]);
    assert!(app.metric("flowmatix_requests_total{operation=\"mutation\",outcome=\"ok\"}").await >= 1.0);
}

struct AccountAs {
    email: &'static str,
    user_type: &'static str,
}

impl AccountAs {
    fn of(index: usize) -> Self {
        Self { email: ACCOUNTS[index].email, user_type: ACCOUNTS[index].user_type }
    }
}

#[tokio::test]
async fn the_same_question_twice_is_two_calls_and_two_fields_are_two() {
    let app = TestApp::with(&[ENABLED, PASSTHROUGH]).await;
    for calls in 1..=3 {
        assert_eq!(issue_as(&app, AGENCY_TOKEN, 0).await.clean()["issuePermanentToken"]["active"], true);
        assert_eq!(issued(&app), calls);
    }
    let two = "mutation($a: AccountInput!, $b: AccountInput!) {
        one: issuePermanentToken(account: $a) { token } two: issuePermanentToken(account: $b) { token } }";
    let variables = json!({ "a": account(0), "b": account(1) });
    let request =
        app.post().bearer_auth(AGENCY_TOKEN).body(json!({ "query": two, "variables": variables }).to_string());
    let answer = app.send(request).await;
    assert_eq!(answer.upstream()["calls"], 2);
    let tokens = json!({ "one": { "token": "demo-lantern-permanent" }, "two": { "token": "demo-harbor-permanent" } });
    assert_eq!(answer.clean(), tokens);
    assert_eq!(issued(&app), 5);
}

#[tokio::test]
async fn without_the_setting_there_is_no_mutation_in_the_schema() {
    let app = TestApp::with(&[PASSTHROUGH]).await;
    let answer = issue_as(&app, AGENCY_TOKEN, 0).await;
    assert_eq!(answer.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
    let ask = "{ __schema { mutationType { name } types { name } } }";
    let schema = app.query_as(AGENCY_TOKEN, ask).await.clean();
    assert_eq!(schema["__schema"]["mutationType"], Value::Null);
    assert!(!schema.to_string().contains("PermanentToken"));
    assert_eq!(app.demo.calls(), 0);

    let app = TestApp::with(&[PASSTHROUGH, ENABLED]).await;
    let schema = app.query_as(AGENCY_TOKEN, ask).await.clean();
    assert_eq!(schema["__schema"]["mutationType"], json!({ "name": "Mutation" }));

    // The printed schema is the whole contract, and says what it depends on.
    assert!(api_sdl(true).contains("tokens.enabled") && api_sdl(true).contains("type Mutation {"));
    assert!(!api_sdl(false).contains("Mutation") && !api_sdl(false).contains("PermanentToken"));
    for (tokens, pairs) in [(false, &[][..]), (true, &[ENABLED][..])] {
        let pairs = [&[("federation.enabled", "true")][..], pairs].concat();
        let sdl = TestApp::with(&pairs).await.query("{ _service { sdl } }").await.clean();
        assert_eq!(sdl["_service"]["sdl"], federation_sdl(&FederationConfig::default(), tokens));
        assert_eq!(federation_sdl(&FederationConfig::default(), tokens).contains("issuePermanentToken"), tokens);
    }
}

#[tokio::test]
async fn it_takes_the_scope_and_an_account_that_the_caller_may_read() {
    let make = |name: &str, token: bool| {
        let account = format!("{}:{}", ACCOUNTS[0].user_type, ACCOUNTS[0].email);
        NewKey::make(name, &[account], Scopes { token, ..Scopes::ALL }).unwrap()
    };
    let (with, without) = (make("with", true), make("without", false));
    assert!(with.entry.contains(r#"scopes = ["team:read", "team:contact:read", "team:token:issue"]"#));
    let file = TempFile::new("keys.toml", &format!("{}{}", with.entry, without.entry));
    let app = TestApp::with(&[("auth.mode", "api-keys"), ("auth.keys_file", file.as_str()), ENABLED]).await;
    let refused = issue_as(&app, without.key.expose_secret(), 0).await;
    assert_eq!((refused.status, refused.codes(), field(&refused)), (200, vec!["FORBIDDEN"], &Value::Null));
    assert!(refused.body["errors"][0]["message"].as_str().unwrap().contains("team:token:issue"));
    let other = issue_as(&app, with.key.expose_secret(), 1).await;
    assert_eq!((other.codes(), app.demo.calls()), (vec!["FORBIDDEN"], 0));
    let own = issue_as(&app, with.key.expose_secret(), 0).await;
    assert_eq!(own.clean()["issuePermanentToken"]["token"], "demo-lantern-permanent");

    let signing = SigningKey::new("ec", "ES256");
    let set = TempFile::new("jwks.json", &jwks(&[&signing]));
    let jwt =
        [("auth.mode", "jwt"), ("jwt.jwks_file", set.as_str()), ("jwt.issuer", ISSUER), ("jwt.audience", AUDIENCE)];
    let app = TestApp::with(&[&jwt[..], &[ENABLED]].concat()).await;
    for (scope, codes) in [("team:read team:contact:read", vec!["FORBIDDEN"]), ("team:read team:token:issue", vec![])] {
        let token = signing.token(json!({ "scope": scope, "account": account(0) }));
        assert_eq!(issue_as(&app, &token, 0).await.codes(), codes, "{scope}");
    }
    assert_eq!(issued(&app), 1);
}

#[tokio::test]
async fn it_is_sent_with_post_alone_and_not_in_a_batch() {
    let app = TestApp::with(&[ENABLED, PASSTHROUGH, ("graphql.batch_limit", "4")]).await;
    // Known or not: what is prepared already is refused the same.
    for round in 0..2 {
        let query = app.client.request(Method::QUERY, app.url()).header("content-type", "application/json");
        let variables = json!({ "a": account(0) }).to_string();
        let get = app.client.get(app.url()).query(&[("query", MUTATION), ("variables", &variables)]);
        let get = get.header("apollo-require-preflight", "1");
        for request in [get, query.body(body(0))] {
            let answer = app.send(request.bearer_auth(AGENCY_TOKEN)).await;
            assert_eq!((answer.status, answer.codes()), (405, vec!["METHOD_NOT_ALLOWED"]), "{round}");
            assert_eq!(answer.header("allow"), "POST");
        }
        let batch = format!("[{{\"query\":\"{{ teamMembers {{ totalCount }} }}\"}},{}]", body(0));
        let answer = app.send(app.post().bearer_auth(AGENCY_TOKEN).body(batch)).await;
        assert_eq!((answer.status, answer.codes()), (400, vec!["BATCHING_NOT_ENABLED"]));
        assert_eq!(app.demo.calls(), round);
        issue_as(&app, AGENCY_TOKEN, 0).await.clean();
    }
    // Of a document with both, the operation that is asked for counts.
    let both =
        format!("query Team {{ teamMembers {{ totalCount }} }} {}", MUTATION.replacen("mutation", "mutation Issue", 1));
    let post = json!({ "query": both, "operationName": "Issue", "variables": { "a": account(0) } });
    let answer = app.send(app.post().bearer_auth(AGENCY_TOKEN).body(post.to_string())).await;
    assert_eq!(answer.clean()["issuePermanentToken"]["active"], true);
    for (name, status) in [("Issue", 405), ("Team", 200)] {
        let get = app.client.get(app.url()).query(&[("query", both.as_str()), ("operationName", name)]);
        let answer = app.send(get.header("apollo-require-preflight", "1").bearer_auth(AGENCY_TOKEN)).await;
        assert_eq!(answer.status, status, "{name}");
    }
}

#[tokio::test]
async fn where_documents_are_listed_it_has_to_be_listed() {
    let hash: String = digest(&SHA256, MUTATION.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let listed = TempFile::new("listed.json", &json!({ hash: MUTATION }).to_string());
    let empty = TempFile::new("empty.json", "{}");
    for (safelist, file, codes) in [
        ("log", &empty, vec!["QUERY_NOT_IN_SAFELIST"]),
        ("enforce", &empty, vec!["QUERY_NOT_IN_SAFELIST"]),
        ("log", &listed, vec![]),
        ("enforce", &listed, vec![]),
    ] {
        let manifest = ("documents.manifest", file.as_str());
        let app = TestApp::with(&[ENABLED, PASSTHROUGH, ("documents.safelist", safelist), manifest]).await;
        let answer = issue_as(&app, AGENCY_TOKEN, 0).await;
        assert_eq!((answer.codes(), issued(&app)), (codes.clone(), usize::from(codes.is_empty())), "{safelist}");
    }
}

#[tokio::test]
async fn errors_are_those_of_the_list_and_nothing_is_tried_again() {
    let app = TestApp::with(&[ENABLED, PASSTHROUGH]).await;
    let status = |status| DemoSwitches { status: Some(status), ..DemoSwitches::default() };
    for (number, code) in [
        (403, "UPSTREAM_FORBIDDEN"),
        (404, "UPSTREAM_REJECTED"),
        (500, "UPSTREAM_UNAVAILABLE"),
        (502, "UPSTREAM_UNAVAILABLE"),
        (503, "UPSTREAM_UNAVAILABLE"),
        (302, "UPSTREAM_BAD_RESPONSE"),
        (204, "UPSTREAM_BAD_RESPONSE"),
    ] {
        app.demo.set_switches(status(number));
        let before = app.demo.calls();
        assert_eq!(issue_as(&app, AGENCY_TOKEN, 0).await.codes(), [code], "{number}");
        assert_eq!(app.demo.calls(), before + 1, "{number}");
    }
    for malformed in [
        InvalidSwitches::Html,
        InvalidSwitches::Empty,
        InvalidSwitches::Truncated,
        InvalidSwitches::WrongShape,
        InvalidSwitches::Huge,
        InvalidSwitches::BadRows,
    ] {
        app.demo.set_switches(DemoSwitches { malformed: Some(malformed), ..DemoSwitches::default() });
        let before = app.demo.calls();
        assert_eq!(issue_as(&app, AGENCY_TOKEN, 1).await.codes(), ["UPSTREAM_BAD_RESPONSE"], "{malformed:?}");
        assert_eq!(app.demo.calls(), before + 1, "{malformed:?}");
    }
    app.demo.set_switches(DemoSwitches { malformed: Some(InvalidSwitches::SuccessFalse), ..DemoSwitches::default() });
    assert_eq!(issue_as(&app, AGENCY_TOKEN, 2).await.codes(), ["UPSTREAM_REJECTED"]);
    app.demo.set_switches(DemoSwitches::default());
    // A refusal of the token's endpoint says nothing about the team.
    assert!(app.query_as(AGENCY_TOKEN, "{ teamMembers { totalCount } }").await.codes().is_empty());

    // 401: as with a list, the token is not tried again for a while, and its rosters are gone.
    app.demo.set_switches(status(401));
    for _ in 0..2 {
        assert_eq!(issue_as(&app, AGENCY_TOKEN, 0).await.codes(), ["UPSTREAM_UNAUTHENTICATED"]);
    }
    let calls = app.demo.calls();
    let team = app.query_as(AGENCY_TOKEN, "{ teamMembers { totalCount } }").await;
    assert_eq!((team.codes(), app.demo.calls()), (vec!["UPSTREAM_UNAUTHENTICATED"], calls));
}

#[tokio::test]
async fn a_429_pauses_the_token_and_a_spent_plan_refuses_without_a_call() {
    let app = TestApp::with(&[ENABLED, PASSTHROUGH]).await;
    let switches = DemoSwitches { status: Some(429), retry_after_seconds: Some(120), ..DemoSwitches::default() };
    app.demo.set_switches(switches);
    for _ in 0..2 {
        let answer = issue_as(&app, AGENCY_TOKEN, 0).await;
        assert_eq!((answer.codes(), issued(&app)), (vec!["UPSTREAM_RATE_LIMITED"], 1));
        assert!(answer.body["errors"][0]["extensions"]["retryAfterSeconds"].as_u64().unwrap() > 100);
    }
    // Three calls of ten may be made with this token; the fourth may not.
    let app =
        TestApp::with(&[ENABLED, PASSTHROUGH, ("budget.calls_per_hour", "10"), ("budget.utilization", "0.3")]).await;
    let mut codes = Vec::new();
    for index in [0, 1, 2, 3] {
        codes.extend(issue_as(&app, AGENCY_TOKEN, index).await.codes().into_iter().map(str::to_owned));
    }
    assert_eq!((codes, issued(&app)), (vec!["UPSTREAM_RATE_LIMITED".to_owned()], 3));
}

#[tokio::test]
async fn what_the_upstream_leaves_out_is_null_and_an_unusable_token_is_an_error() {
    let app = TestApp::with(&[ENABLED, PASSTHROUGH]).await;
    for (token, expected) in [
        (json!({ "key": "k-1", "active": false }), json!({ "token": "k-1", "active": false })),
        (json!({ "key": "k-2" }), json!({ "token": "k-2", "active": null })),
        (json!({ "key": "k-3", "active": "yes", "more": [1] }), json!({ "token": "k-3", "active": null })),
        (json!({ "key": "" }), Value::Null),
        (json!({ "key": 7 }), Value::Null),
        (json!({ "key": "two words" }), Value::Null),
        (json!({ "active": true }), Value::Null),
    ] {
        let envelope = json!({ "success": true, "message": "", "data": { "permanentToken": token }, "code": 200 });
        app.demo.script(None, Some(Scripted::ok(envelope.to_string())));
        let answer = issue_as(&app, AGENCY_TOKEN, 0).await;
        assert_eq!(*field(&answer), expected);
        assert_eq!(answer.codes().len(), usize::from(expected.is_null()));
    }
}

#[test]
fn the_production_profile_refuses_tokens_for_callers_that_it_does_not_know() {
    let set = ["serve", "--auth-mode", "server", "--set", "auth.credential_env=T", "--set", "tokens.enabled=true"];
    let output = crate::support::service::run(&set, &[("T", "token")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("tokens.enabled: mode `server`"), "{said}");
}
