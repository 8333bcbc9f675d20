//! `POST /invalidate` on the admin port: rosters are taken back for who shows the secret, where the plan can bear it.

use std::time::Duration;

use flowmatix_graphql::demo::{ACCOUNTS, AGENCY_TOKEN};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TempFile, TestApp};

const SECRET: &str = "an-admin-secret";
const ALL: &str = r#"{"all":true}"#;

struct Service {
    app: TestApp,
    _secret: TempFile,
}

impl Service {
    async fn with(pairs: &[(&str, &str)]) -> Self {
        let secret = TempFile::new("admin-secret", &format!("{SECRET}\n"));
        let file =
            [("admin.invalidate_secret_file", secret.as_str()), ("roster.stale_wait", "20s"), ("http.timeout", "60s")];
        let app = TestApp::with(&[&file[..], pairs].concat()).await;
        Self { app, _secret: secret }
    }

    fn request(&self, method: Method) -> reqwest::RequestBuilder {
        self.app.client.request(method, format!("http://{}/invalidate", self.app.app.admin_address()))
    }

    async fn invalidate(&self, body: impl Into<String>) -> Answer {
        let request = self.request(Method::POST).bearer_auth(SECRET).header("content-type", "application/json");
        self.app.send(request.body(body.into())).await
    }

    /// Asks for an account's team, and says how many calls that took and how it was found.
    async fn ask(&self, index: usize) -> (u64, String) {
        let ask = format!(
            "{{ teamMembers(account: {{ email: \"{}\", type: {} }}) {{ totalCount stale }} }}",
            ACCOUNTS[index].email, ACCOUNTS[index].user_type
        );
        let answer = self.app.query_as(AGENCY_TOKEN, &ask).await;
        assert!(answer.codes().is_empty(), "{:#}", answer.body);
        let upstream = answer.upstream();
        (upstream["calls"].as_u64().unwrap(), upstream["cache"].as_str().unwrap().to_owned())
    }
}

fn account(index: usize, mode: &str) -> String {
    json!({ "account": { "email": ACCOUNTS[index].email, "type": ACCOUNTS[index].user_type }, "mode": mode })
        .to_string()
}

fn hit() -> (u64, String) {
    (0, "hit".to_owned())
}

fn miss() -> (u64, String) {
    (1, "miss".to_owned())
}

#[tokio::test]
async fn an_accounts_roster_is_read_again_and_the_others_stay() {
    let service = Service::with(&[]).await;
    for mode in ["soft", "hard"] {
        for index in [0, 1] {
            service.ask(index).await;
            assert_eq!(service.ask(index).await, hit(), "{mode}");
        }
        let said = service.invalidate(account(0, mode)).await;
        assert_eq!((said.status, said.header("cache-control")), (200, "no-store"));
        let left = said.body["callsLeft"].as_u64().unwrap();
        assert!(left > 900 && left < 950, "{left}");
        let expected = json!({ "mode": mode, "rosters": 1, "calls": 1, "callsLeft": left });
        assert_eq!(said.body, expected);
        assert_eq!((service.ask(0).await, service.ask(0).await), (miss(), hit()), "{mode}");
        assert_eq!(service.ask(1).await, hit(), "{mode}");
    }
    // What is not there costs nothing.
    let none = service.invalidate(account(3, "hard")).await;
    assert_eq!((&none.body["rosters"], &none.body["calls"]), (&json!(0), &json!(0)));
    assert_eq!(service.app.metric("flowmatix_invalidations_total{result=\"hard\"}").await, 2.0);
    assert_eq!(service.app.metric("flowmatix_invalidations_total{result=\"soft\"}").await, 1.0);
}

#[tokio::test]
async fn a_soft_one_leaves_the_old_roster_for_an_upstream_that_fails_and_a_hard_one_does_not() {
    let service = Service::with(&[("roster.stale_wait", "100ms")]).await;
    service.ask(0).await;
    let status = |status| flowmatix_graphql::demo::DemoSwitches { status, ..Default::default() };
    service.app.demo.set_switches(status(Some(503)));
    assert_eq!(service.invalidate(account(0, "soft")).await.status, 200);
    let answer = service.app.query("{ teamMembers { totalCount stale } }").await;
    assert_eq!(*answer.data(), json!({ "teamMembers": { "totalCount": 12, "stale": true } }));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(service.invalidate(account(0, "hard")).await.status, 200);
    let answer = service.app.query("{ teamMembers { totalCount stale } }").await;
    assert_eq!(answer.codes(), ["UPSTREAM_UNAVAILABLE"]);
    assert_eq!(answer.data()["teamMembers"], Value::Null);
}

#[tokio::test]
async fn a_load_under_way_does_not_answer_what_is_asked_after_it_was_taken_back() {
    for mode in ["soft", "hard"] {
        let service = Service::with(&[]).await;
        let gate = service.app.demo.hold();
        let first = tokio::spawn({
            let request = service.app.post().body(json!({ "query": "{ teamMembers { totalCount } }" }).to_string());
            async move { Answer::read(request.send().await.unwrap()).await }
        });
        service.app.demo.arrived(1).await;
        assert_eq!(service.invalidate(account(0, mode)).await.status, 200);
        gate.send_replace(true);
        assert!(first.await.unwrap().codes().is_empty());
        // What it brought had begun before; the next question has its own call, the one after that is a hit.
        assert_eq!((service.ask(0).await, service.ask(0).await), (miss(), hit()), "{mode}");
        assert_eq!(service.app.demo.calls(), 2, "{mode}");
    }
}

#[tokio::test]
async fn rosters_of_a_credential_or_all_are_taken_back() {
    let service = Service::with(&[("auth.mode", "passthrough")]).await;
    let own = "{ teamMembers { totalCount } }";
    let calls = async |token: &str| service.app.query_as(token, own).await.upstream()["calls"].as_u64().unwrap();
    for token in [AGENCY_TOKEN, "demo-lantern-token"] {
        assert_eq!((calls(token).await, calls(token).await), (1, 0));
    }
    // In this mode a credential is named by the token itself.
    let said = service.invalidate(json!({ "credential": "demo-lantern-token", "mode": "hard" }).to_string()).await;
    assert_eq!((said.status, &said.body["rosters"]), (200, &json!(1)));
    assert_eq!((calls("demo-lantern-token").await, calls(AGENCY_TOKEN).await), (1, 0));
    let said = service.invalidate(ALL).await;
    assert_eq!((&said.body["mode"], &said.body["rosters"]), (&json!("soft"), &json!(2)));
    assert_eq!((calls("demo-lantern-token").await, calls(AGENCY_TOKEN).await), (1, 1));

    let service = Service::with(&[]).await;
    service.ask(0).await;
    let said = service.invalidate(r#"{"credential":"server"}"#).await;
    assert_eq!((said.status, &said.body["rosters"]), (200, &json!(1)));
    assert_eq!(service.ask(0).await, miss());
    let unknown = service.invalidate(r#"{"credential":"demo-agency-token"}"#).await;
    assert_eq!((unknown.status, unknown.codes()), (400, vec!["BAD_USER_INPUT"]));
    assert!(!unknown.body.to_string().contains("demo-agency"));
}

#[tokio::test]
async fn what_may_cost_more_than_the_plan_has_left_is_refused_and_changes_nothing() {
    // Nine calls may be made. Five rosters cannot be read again once five of them are spent.
    let service = Service::with(&[
        ("auth.mode", "passthrough"),
        ("budget.calls_per_hour", "10"),
        ("budget.utilization", "0.6"),
        ("budget.scope", "host"),
    ])
    .await;
    let tokens = ["demo-lantern-token", "demo-harbor-token", "demo-pines-token"];
    for (index, token) in tokens.into_iter().enumerate() {
        let ask = format!(
            "{{ teamMembers(account: {{ email: \"{}\", type: {} }}) {{ totalCount }} }}",
            ACCOUNTS[index].email, ACCOUNTS[index].user_type
        );
        assert!(service.app.query_as(token, &ask).await.codes().is_empty());
    }
    // Three of six are left: just enough.
    let said = service.invalidate(ALL).await;
    assert_eq!((said.status, &said.body["calls"], &said.body["callsLeft"]), (200, &json!(3), &json!(3)));
    let ask = "{ teamMembers { totalCount } }";
    assert_eq!(service.app.query_as("demo-lantern-token", ask).await.upstream()["calls"], 1);
    for mode in ["soft", "hard"] {
        let refused = service.invalidate(json!({ "all": true, "mode": mode }).to_string()).await;
        assert_eq!((refused.status, refused.codes()), (409, vec!["INVALIDATION_TOO_EXPENSIVE"]));
        let message = refused.body["errors"][0]["message"].as_str().unwrap();
        assert!(
            message.contains("3 rosters") && message.contains("3 calls") && message.contains("2 left"),
            "{message}"
        );
    }
    // Nothing was changed.
    assert_eq!(service.app.query_as("demo-lantern-token", ask).await.upstream()["cache"], "hit");
    assert_eq!(service.app.metric("flowmatix_invalidations_total{result=\"refused\"}").await, 2.0);
    // One account is affordable.
    assert_eq!(service.invalidate(account(0, "hard")).await.status, 200);
}

#[tokio::test]
async fn only_who_shows_the_secret_is_heard_and_not_too_often() {
    let service = Service::with(&[("http.failed_auth_limit", "3"), ("admin.invalidations_limit", "4")]).await;
    let post = || service.request(Method::POST).header("content-type", "application/json").body(ALL);
    let missing = service.app.send(post()).await;
    assert_eq!(
        (missing.status, missing.codes(), missing.header("www-authenticate")),
        (401, vec!["UNAUTHENTICATED"], "Bearer")
    );
    let twice = post().bearer_auth(SECRET).header("authorization", format!("Bearer {SECRET}"));
    assert_eq!(service.app.send(twice).await.status, 401);
    for (n, wrong) in ["wrong", "an-admin-secre", "an-admin-secret-"].into_iter().enumerate() {
        let answer = service.app.send(post().bearer_auth(wrong)).await;
        assert_eq!((answer.status, answer.codes()), (401, vec!["UNAUTHENTICATED"]), "{n}");
        assert!(answer.header("www-authenticate").contains("invalid_token"));
        assert!(!answer.body.to_string().contains("admin-secre"));
    }
    let guessed = service.app.send(post().bearer_auth("a-fourth")).await;
    assert_eq!((guessed.status, guessed.codes()), (429, vec!["REQUEST_RATE_LIMITED"]));
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = service.app.send(service.request(method).bearer_auth(SECRET)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
    }
    // Who guesses does not keep the operator out.
    for _ in 0..4 {
        assert_eq!(service.invalidate(ALL).await.status, 200);
    }
    let often = service.invalidate(ALL).await;
    assert_eq!((often.status, often.codes()), (429, vec!["REQUEST_RATE_LIMITED"]));
    assert!(often.header("retry-after").parse::<u64>().unwrap() <= 60);
}

#[tokio::test]
async fn what_is_no_invalidation_is_refused_with_a_reason_that_quotes_nothing() {
    let service = Service::with(&[("admin.invalidations_limit", "0")]).await;
    for body in [
        "",
        "{}",
        "[]",
        r#"{"all":false}"#,
        r#"{"all":true,"credential":"canary-token"}"#,
        r#"{"all":true,"mode":"canary-mode"}"#,
        r#"{"all":true,"canary":1}"#,
        r#"{"credential":["canary-token"]}"#,
        r#"{"account":{"email":"canary","type":"CUSTOMER"}}"#,
        r#"{"account":{"email":"canary@a.example","type":"BOSS"}}"#,
        r#"{"account":{"email":"canary@a.example"}}"#,
    ] {
        let answer = service.invalidate(body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(!answer.body.to_string().contains("canary"), "{:#}", answer.body);
    }
    assert_eq!(service.invalidate("x".repeat(17 << 10)).await.status, 413);
    let plain = service.request(Method::POST).bearer_auth(SECRET).body(ALL);
    assert_eq!(service.app.send(plain).await.status, 415);
    // Without the setting there is no such path, with the secret or without.
    let app = TestApp::start().await;
    let url = format!("http://{}/invalidate", app.app.admin_address());
    let request = app.client.post(url).bearer_auth(SECRET).timeout(Duration::from_secs(20));
    assert_eq!(app.send(request.header("content-type", "application/json").body(ALL)).await.status, 404);
}
