//! The sample Flowmatix: it behaves as the endpoint's documentation says, and fails in the ways that a test chooses.

use std::collections::BTreeSet;

use flowmatix_graphql::demo::{ACCOUNTS, AGENCY_TOKEN, Demo, DemoSwitches, InvalidSwitches};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::{Answer, demo_settings};

struct Sample {
    demo: Demo,
    client: reqwest::Client,
}

impl Sample {
    fn start() -> Self {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { demo: Demo::start(&demo_settings()).unwrap(), client }
    }

    fn call(&self, query: &[(&str, &str)]) -> RequestBuilder {
        self.client.get(format!("{}/custom-user", self.demo.url())).query(query)
    }

    fn as_agency(&self, query: &[(&str, &str)]) -> RequestBuilder {
        self.call(query).bearer_auth(AGENCY_TOKEN).header("authtype", "Key")
    }

    async fn team(&self, index: usize) -> Answer {
        let account = ACCOUNTS[index];
        send(self.as_agency(&[("email", account.email), ("type", account.user_type)])).await
    }
}

async fn send(request: RequestBuilder) -> Answer {
    Answer::read(request.send().await.unwrap()).await
}

const MAYA: [(&str, &str); 2] = [("email", "maya@lantern-books.example"), ("type", "CUSTOMER")];

#[tokio::test]
async fn the_seeded_accounts_have_their_members() {
    let sample = Sample::start();
    for (index, account) in ACCOUNTS.iter().enumerate() {
        let answer = sample.team(index).await;
        assert_eq!((answer.status, &answer.body["success"], &answer.body["code"]), (200, &json!(true), &json!(200)));
        let rows = answer.body["data"].as_array().unwrap();
        assert_eq!(rows.len(), account.members);
        let ids: BTreeSet<_> = rows.iter().map(|row| row["_id"].as_str().unwrap()).collect();
        assert!(ids.len() == rows.len() && ids.iter().all(|id| id.len() == 24));
        assert!(rows.iter().all(|row| row["createdAt"].as_str() <= row["updatedAt"].as_str()));
    }
    let rows = sample.team(2).await.body["data"].clone();
    let types: BTreeSet<_> = rows.as_array().unwrap().iter().map(|row| row["type"].to_string()).collect();
    assert_eq!(types.len(), 3);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_team() {
    let (first, second) = (Sample::start(), Sample::start());
    let team = async |sample: &Sample| sample.team(0).await.body.to_string().replace(&sample.demo.url(), "");
    assert_eq!(team(&first).await, team(&second).await);
    let other = Demo::start(&flowmatix_graphql::config::DemoConfig { seed: 2, ..demo_settings() }).unwrap();
    let other = Sample { demo: other, client: first.client.clone() };
    assert_ne!(team(&first).await, team(&other).await);
}

#[tokio::test]
async fn calls_without_the_right_headers_get_401() {
    let sample = Sample::start();
    let calls = [
        sample.call(&MAYA),
        sample.call(&MAYA).header("authtype", "Key"),
        sample.call(&MAYA).bearer_auth(AGENCY_TOKEN),
        sample.call(&MAYA).bearer_auth("nobody").header("authtype", "Key"),
    ];
    for call in calls {
        let answer = send(call).await;
        assert_eq!((answer.status, &answer.body["success"], &answer.body["code"]), (401, &json!(false), &json!(401)));
    }
    let foreign = sample.call(&MAYA).bearer_auth("demo-pines-token").header("authtype", "Key");
    assert_eq!(send(foreign).await.status, 403);
    assert_eq!(send(sample.as_agency(&[("email", "no@one.example"), ("type", "AGENT")])).await.status, 404);
}

#[tokio::test]
async fn bad_parameters_get_400() {
    let sample = Sample::start();
    let bad: [&[(&str, &str)]; 6] = [
        &[],
        &[MAYA[0]],
        &[MAYA[1]],
        &[MAYA[0], ("type", "ADMIN")],
        &[MAYA[0], MAYA[1], ("type", "AGENT")],
        &[("email", "nobody"), MAYA[1]],
    ];
    for query in bad {
        assert_eq!(send(sample.as_agency(query)).await.status, 400, "{query:?}");
    }
}

#[tokio::test]
async fn pages_put_together_are_the_list() {
    let sample = Sample::start();
    let mut rows = Vec::new();
    for page in 1.. {
        let page = page.to_string();
        let query = [("email", ACCOUNTS[2].email), ("type", "CUSTOM_USER"), ("ispagination", "true"), ("page", &page)];
        let answer = send(sample.as_agency(&query)).await;
        let page = answer.body["data"].as_array().unwrap().clone();
        if page.is_empty() {
            break;
        }
        rows.extend(page);
    }
    assert_eq!(Value::from(rows), sample.team(2).await.body["data"]);
}

#[tokio::test]
async fn pictures_resolve_from_the_sample_itself() {
    let sample = Sample::start();
    for row in sample.team(0).await.body["data"].as_array().unwrap() {
        let answer = send(sample.client.get(row["picture"].as_str().unwrap())).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/svg+xml"));
    }
    let odd = send(sample.client.get(format!("{}/avatars/%3Cscript%3E/1.svg", sample.demo.url()))).await;
    assert_eq!(odd.status, 404);
}

#[tokio::test]
async fn switches_are_thrown_over_http() {
    let sample = Sample::start();
    let url = format!("{}/_demo/switches", sample.demo.url());
    let put = |body: &'static str| sample.client.put(&url).header("content-type", "application/json").body(body);
    assert_eq!(send(put(r#"{"status":429,"retryAfterSeconds":7}"#)).await.status, 200);
    let limited = sample.team(0).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "7"));
    send(put(r#"{"status":429}"#)).await;
    assert_eq!(sample.team(0).await.header("retry-after"), "");
    send(put(r#"{"malformed":"html"}"#)).await;
    assert_eq!(sample.team(0).await.header("content-type"), "text/html");
    for wrong in [r#"{"latency":1}"#, r#"{"errorRate":2}"#, "no"] {
        assert_eq!(send(put(wrong)).await.status, 400, "{wrong}");
    }
    send(put("{}")).await;
    assert_eq!(sample.demo.switches(), DemoSwitches::default());
    assert_eq!(sample.team(0).await.status, 200);
}

#[tokio::test]
async fn errors_come_at_their_rate() {
    let sample = Sample::start();
    sample.demo.set_switches(DemoSwitches { error_rate: 0.25, ..DemoSwitches::default() });
    let mut failed = 0;
    for _ in 0..40 {
        failed += u32::from(sample.team(1).await.status == 500);
    }
    assert_eq!(failed, 10);
}

#[tokio::test]
async fn a_plan_is_sold_by_the_hour_for_each_token() {
    let sample = Sample::start();
    sample.demo.set_switches(DemoSwitches { plan: Some(2), rate_limit_headers: true, ..DemoSwitches::default() });
    let left: Vec<_> = [sample.team(0).await, sample.team(0).await, sample.team(0).await]
        .iter()
        .map(|answer| (answer.status, answer.header("x-ratelimit-remaining").to_owned()))
        .collect();
    assert_eq!(left, [(200, "1".into()), (200, "0".into()), (429, "0".into())]);
    let other = sample.call(&MAYA).bearer_auth("demo-lantern-token").header("authtype", "Key");
    assert_eq!(send(other).await.status, 200);
}

#[tokio::test]
async fn calls_are_counted_and_remembered() {
    let sample = Sample::start();
    sample.team(0).await;
    sample.team(0).await;
    sample.team(1).await;
    assert_eq!((sample.demo.calls(), sample.demo.calls_for(ACCOUNTS[0].email)), (3, 2));
    let url = format!("{}/_demo/calls", sample.demo.url());
    let calls = send(sample.client.get(&url)).await.body;
    assert_eq!(calls, json!({ "calls": 3, "byEmail": { ACCOUNTS[0].email: 2, ACCOUNTS[1].email: 1 } }));
    assert_eq!(send(sample.client.delete(&url)).await.status, 204);
    assert_eq!(sample.demo.calls(), 0);
}

#[tokio::test]
async fn every_malformed_answer_can_be_had() {
    let sample = Sample::start();
    sample.demo.set_switches(DemoSwitches { malformed: Some(InvalidSwitches::Deep), ..DemoSwitches::default() });
    let account = ACCOUNTS[0];
    let deep = sample.as_agency(&[("email", account.email), ("type", account.user_type)]).send().await.unwrap();
    assert!(deep.text().await.unwrap().contains(&"[".repeat(100_000)));
    sample.demo.set_switches(DemoSwitches { malformed: Some(InvalidSwitches::Redirect), ..DemoSwitches::default() });
    assert_eq!(sample.team(0).await.status, 302);
}
