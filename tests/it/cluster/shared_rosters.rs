//! Rosters over replicas: read once, found by all, sealed in the tier, and forgotten by all when they are refused.

use std::time::Duration;

use base64::Engine as _;
use tokio::task::JoinSet;

use super::counting_vendor::CountingVendor;
use super::redis_server::RedisServer;
use super::replicas::{Replicas, TOKEN, email, is_fine, until};

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_equal_cold_questions_over_three_replicas_are_one_call() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    vendor.set_latency(Duration::from_millis(300));
    let settings = ["http.timeout=60s", "upstream.timeout=40s", "cluster.timeout=1s"];
    let replicas = Replicas::start(3, &tier, &vendor, &settings).await;
    let mut asked = JoinSet::new();
    for n in 0..10_000 {
        asked.spawn(replicas.request(n % 3, "stampede").send());
        // The test's own sockets are bounded.
        while asked.len() > 300 {
            let answer = asked.join_next().await.unwrap().unwrap().unwrap();
            assert_eq!(answer.status(), 200);
        }
    }
    while let Some(answer) = asked.join_next().await {
        assert_eq!(answer.unwrap().unwrap().status(), 200);
    }
    // A replica that gets no answer of the tier in time, on a machine that is much too slow, reads for itself.
    let mut calls = 1.0;
    for at in 0..3 {
        calls += replicas.metric(at, "flowmatix_cluster_failures_total").await;
    }
    assert!(f64::from(u32::try_from(vendor.calls()).unwrap()) <= calls, "{} calls, {calls} are right", vendor.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_replica_that_reads_is_killed_another_one_does() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let mut replicas = Replicas::start(3, &tier, &vendor, &["upstream.timeout=4s"]).await;
    vendor.set_latency(Duration::from_secs(1));
    let first = tokio::spawn(replicas.request(0, "winner").send());
    until(|| async { vendor.calls() }, |calls| *calls == 1).await;
    let others: Vec<_> = [1, 2].map(|at| tokio::spawn(replicas.request(at, "winner").send())).into();
    replicas.kill(0);
    assert!(first.await.unwrap().is_err());
    for other in others {
        assert!(is_fine(&crate::support::Answer::read(other.await.unwrap().unwrap()).await));
    }
    assert_eq!(vendor.calls(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_replica_answers_what_the_others_know_without_a_call() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let mut replicas = Replicas::start(2, &tier, &vendor, &[]).await;
    for n in 0..20 {
        assert!(is_fine(&replicas.ask(n % 2, &format!("known-{n}")).await));
    }
    assert_eq!(vendor.calls(), 20);
    replicas.add().await;
    // Each reading of a record asks once how long it lives; a claim is a SET.
    let before = (tier.executed("pttl"), tier.executed("set"));
    for n in 0..20 {
        let answer = replicas.ask(2, &format!("known-{n}")).await;
        assert!(is_fine(&answer), "{:#}", answer.body);
        assert_eq!(answer.upstream()["calls"], 0);
    }
    assert_eq!(vendor.calls(), 20);
    assert!((replicas.metric(2, "flowmatix_cluster_roster_lookups_total{result=\"hit\"}").await - 20.0).abs() < 0.5);
    // One round trip each; three are promised.
    assert_eq!((tier.executed("pttl"), tier.executed("set")), (before.0 + 20, before.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_look_up_makes_no_round_trip() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let replicas = Replicas::start(1, &tier, &vendor, &[]).await;
    assert!(is_fine(&replicas.ask(0, "warm").await));
    // What is published goes on behind the answer.
    until(|| async { tier.executed("set") }, |set| *set >= 2).await;
    let before = (tier.executed("get"), tier.executed("set"));
    for _ in 0..500 {
        assert!(is_fine(&replicas.ask(0, "warm").await));
    }
    assert_eq!((tier.executed("get"), tier.executed("set")), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_the_tier_holds_nobody_and_no_token() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let replicas = Replicas::start(2, &tier, &vendor, &[]).await;
    for at in 0..2 {
        assert!(is_fine(&replicas.ask(at, &format!("canary-account-{at}")).await));
    }
    vendor.refuse(&email("canary-refused"), 403);
    replicas.ask(0, "canary-refused").await;
    until(|| async { tier.keys() }, |keys| keys.iter().filter(|key| key.contains(":roster:")).count() == 2).await;
    tier.command(&["SAVE"]);
    let mut dump = std::fs::read(tier.folder().join("dump.rdb")).unwrap();
    // As text, too: the file packs what it holds.
    for key in tier.keys() {
        dump.extend(key.as_bytes());
        for words in [["GET", &key], ["HGETALL", &key]] {
            let mut connection = redis::Client::open(tier.url()).unwrap().get_connection().unwrap();
            let value = redis::cmd(words[0]).arg(words[1]).query::<redis::Value>(&mut connection);
            dump.extend(format!("{value:?}").as_bytes());
            if let Ok(bytes) = redis::cmd(words[0]).arg(words[1]).query::<Vec<u8>>(&mut connection) {
                dump.extend(bytes);
            }
        }
    }
    let canaries = ["canary", "Zebedee", "7700900123", "lantern", TOKEN];
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    for canary in canaries {
        // In base64, whatever stands before it.
        let shifted = (0..3).map(|n| {
            let text = engine.encode([&vec![b'x'; n], canary.as_bytes()].concat());
            text[[0, 2, 3][n]..text.len() - 2].to_owned()
        });
        for form in shifted.chain([canary.to_owned()]) {
            assert!(!dump.windows(form.len()).any(|window| window == form.as_bytes()), "{canary} as {form}");
        }
    }
    for key in tier.keys() {
        let lives: i64 = redis::from_redis_value(tier.command(&["PTTL", &key])).unwrap();
        // Only who is there has no end: it holds names of processes and times.
        assert!(lives > 0 || key.ends_with(":state"), "{key} lives for ever");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_in_each_others_place_are_none() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let mut replicas = Replicas::start(1, &tier, &vendor, &[]).await;
    for account in ["one", "two"] {
        assert!(is_fine(&replicas.ask(0, account).await));
    }
    let rosters = || tier.keys().into_iter().filter(|key| key.contains(":roster:")).collect::<Vec<_>>();
    let names = until(|| async { rosters() }, |names| names.len() == 2).await;
    tier.command(&["RENAME", &names[0], "aside"]);
    tier.command(&["RENAME", &names[1], &names[0]]);
    tier.command(&["RENAME", "aside", &names[1]]);
    replicas.add().await;
    for account in ["one", "two"] {
        let answer = replicas.ask(1, account).await;
        assert!(is_fine(&answer));
        let email = answer.data()["teamMembers"]["nodes"][0]["contact"]["email"].as_str().unwrap().to_owned();
        assert!(email.contains(account), "{email}");
    }
    // Both were read again.
    assert_eq!(vendor.calls(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_is_refused_all_drop_within_a_second() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let passthrough = ["auth.mode=passthrough", "roster.fresh_for=3s", "roster.refresh_ahead=false"];
    let replicas = Replicas::start(3, &tier, &vendor, &passthrough).await;
    let ask = async |at: usize, account: &str| {
        let request = replicas.request(at, account).bearer_auth("callers-token");
        crate::support::Answer::read(request.send().await.unwrap()).await
    };
    for at in 0..3 {
        assert!(is_fine(&ask(at, "team").await));
    }
    assert_eq!(vendor.calls(), 1);
    vendor.refuse("callers-token", 401);
    let refused = ask(1, "another").await;
    assert_eq!(refused.codes(), ["UPSTREAM_UNAUTHENTICATED"]);
    let calls = vendor.calls();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for at in 0..3 {
        let answer = ask(at, "team").await;
        assert_eq!(answer.codes(), ["UPSTREAM_UNAUTHENTICATED"], "replica {at} still knows the team");
    }
    assert_eq!(vendor.calls(), calls, "each replica found out for itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_the_vendor_asks_for_holds_on_all() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let replicas = Replicas::start(3, &tier, &vendor, &[]).await;
    vendor.set_retry_after(600);
    vendor.refuse(&email("busy"), 429);
    assert_eq!(replicas.ask(0, "busy").await.codes(), ["UPSTREAM_RATE_LIMITED"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let calls = vendor.calls();
    for at in 0..3 {
        assert_eq!(replicas.ask(at, &format!("other-{at}")).await.codes(), ["UPSTREAM_RATE_LIMITED"]);
    }
    assert_eq!(vendor.calls(), calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_registered_with_one_replica_is_known_to_all() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let replicas = Replicas::start(2, &tier, &vendor, &[]).await;
    let query = "{ __typename }";
    let hash = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b";
    let send = async |at: usize, body: serde_json::Value| {
        let request = replicas.client.post(replicas.service(at).url("/graphql"));
        let request = request.header("content-type", "application/json").body(body.to_string());
        crate::support::Answer::read(request.send().await.unwrap()).await
    };
    let extensions = serde_json::json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let named = serde_json::json!({ "extensions": extensions });
    assert_eq!(send(1, named.clone()).await.codes(), ["PERSISTED_QUERY_NOT_FOUND"]);
    let both = serde_json::json!({ "query": query, "extensions": extensions });
    assert_eq!(send(0, both).await.clean()["__typename"], "Query");
    let known = until(|| send(1, named.clone()), |answer| answer.codes().is_empty()).await;
    assert_eq!(known.clean()["__typename"], "Query");
}
