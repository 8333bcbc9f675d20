//! What one replica learns and all must know: invalidations, outages, and pauses that were asked for before a replica started.

use serde_json::{Value, json};

use super::counting_vendor::CountingVendor;
use super::redis_server::RedisServer;
use super::replicas::{Replicas, email, is_fine, until};
use crate::support::{Answer, TempFile};

const SECRET: &str = "the-secret-of-the-admin-port-0b1c";
/// A plan that is never short here, and rosters that nothing but an invalidation makes old.
const CALM: [&str; 5] = [
    "budget.window=10m",
    "budget.calls_per_hour=10000",
    "cluster.lease_time=1s",
    "roster.fresh_for=10m",
    "roster.refresh_ahead=false",
];

async fn invalidate(replicas: &Replicas, at: usize, body: Value) -> Value {
    let request = replicas.client.post(replicas.service(at).admin_url("/invalidate")).bearer_auth(SECRET);
    let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn name(answer: &Answer) -> String {
    answer.data()["teamMembers"]["nodes"][0]["name"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_takes_back_at_one_replica_is_gone_at_all() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let secret = TempFile::new("admin-secret", SECRET);
    let file = format!("admin.invalidate_secret_file={}", secret.as_str());
    let mut replicas =
        Replicas::start(3, &tier, &vendor, &[&CALM[..], &[file.as_str(), "admin.invalidations_limit=0"]].concat())
            .await;
    let wanted = [
        json!({ "account": { "email": email("team"), "type": "CUSTOMER" }, "mode": "hard" }),
        json!({ "credential": "server", "mode": "hard" }),
        json!({ "all": true, "mode": "hard" }),
        json!({ "account": { "email": email("team"), "type": "CUSTOMER" } }),
    ];
    for (n, wanted) in wanted.into_iter().enumerate() {
        vendor.set_name(&format!("Before {n}"));
        for at in 0..3 {
            until(|| replicas.ask(at, "team"), is_fine).await;
        }
        let calls = vendor.calls_for(&email("team"));
        vendor.set_name(&format!("After {n}"));
        assert_eq!(invalidate(&replicas, n % 3, wanted.clone()).await["replicasTold"], true);
        for at in 0..3 {
            let asked =
                until(|| replicas.ask(at, "team"), |answer| name(answer).starts_with(&format!("After {n}"))).await;
            assert!(is_fine(&asked), "{:#}", asked.body);
        }
        // One reads it, the others take that.
        assert_eq!(vendor.calls_for(&email("team")), calls + 1, "{wanted}");
        // A replica that starts now does not read the old record back.
        replicas.add().await;
        let asked = replicas.ask(3, "team").await;
        assert!(name(&asked).starts_with(&format!("After {n}")), "{:#}", asked.body);
        assert_eq!(vendor.calls_for(&email("team")), calls + 1, "{wanted}");
        replicas.all.truncate(3);
        vendor.set_name(&format!("Before {}", n + 1));
        invalidate(&replicas, 0, json!({ "all": true, "mode": "hard" })).await;
        for at in 0..3 {
            until(|| replicas.ask(at, "team"), |answer| name(answer).starts_with("Before")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalidation_says_that_the_others_were_not_told() {
    let (mut tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let secret = TempFile::new("admin-secret", SECRET);
    let file = format!("admin.invalidate_secret_file={}", secret.as_str());
    let replicas = Replicas::start(1, &tier, &vendor, &[&CALM[..], &[file.as_str()]].concat()).await;
    assert!(is_fine(&replicas.ask(0, "team").await));
    tier.kill();
    let told = invalidate(&replicas, 0, json!({ "all": true })).await;
    assert_eq!((&told["replicasTold"], &told["rosters"]), (&json!(false), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_taken_back_at_one_replica_is_taken_back_at_all() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let secret = TempFile::new("admin-secret", SECRET);
    let file = format!("admin.invalidate_secret_file={}", secret.as_str());
    let settings = [&CALM[..], &[file.as_str(), "auth.mode=passthrough"]].concat();
    let replicas = Replicas::start(2, &tier, &vendor, &settings).await;
    let ask = async |at: usize, token: &str| {
        let request = replicas.request(at, "team").bearer_auth(token);
        Answer::read(request.send().await.unwrap()).await
    };
    for at in 0..2 {
        for token in ["one-token", "another-token"] {
            assert!(is_fine(&ask(at, token).await));
        }
    }
    assert_eq!(vendor.calls(), 2);
    vendor.set_name("After");
    invalidate(&replicas, 1, json!({ "credential": "one-token", "mode": "hard" })).await;
    for at in 0..2 {
        until(|| ask(at, "one-token"), |answer| name(answer).starts_with("After")).await;
        assert!(!name(&ask(at, "another-token").await).starts_with("After"));
    }
    assert_eq!(vendor.calls(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_one_replica_has_given_up_all_ask_by_probes_alone() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let replicas = Replicas::start(2, &tier, &vendor, &CALM).await;
    vendor.set_down(true);
    for n in 0..6 {
        assert_eq!(replicas.ask(0, &format!("first-{n}")).await.codes(), ["UPSTREAM_UNAVAILABLE"]);
    }
    until(|| replicas.metric(1, "flowmatix_upstream_breaker_open"), |open| *open > 0.5).await;
    vendor.set_down(false);
    // A probe of either is answered, and the other one is told.
    until(|| replicas.ask(0, "back-0"), is_fine).await;
    until(|| replicas.ask(1, "back-1"), is_fine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_for_a_replica_that_starts_later() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let mut replicas = Replicas::start(1, &tier, &vendor, &CALM).await;
    vendor.set_retry_after(3600);
    vendor.refuse(&email("busy"), 429);
    assert_eq!(replicas.ask(0, "busy").await.codes(), ["UPSTREAM_RATE_LIMITED"]);
    let calls = vendor.calls();
    until(|| async { tier.keys() }, |keys| keys.iter().any(|key| key.contains(":notices"))).await;
    replicas.add().await;
    let refused = replicas.ask(1, "another").await;
    assert_eq!(refused.codes(), ["UPSTREAM_RATE_LIMITED"]);
    assert_eq!(vendor.calls(), calls);
}
