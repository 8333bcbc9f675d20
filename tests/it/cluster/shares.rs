//! What callers are told of the common plan, and get of it: the same at every replica.

use std::time::Duration;

use tokio::time::sleep;

use super::counting_vendor::CountingVendor;
use super::redis_server::RedisServer;
use super::replicas::{Replicas, is_fine, until};
use crate::support::{Answer, TempFile, make_key_for};

/// Of a plan of 60, 57 may be spent; while nobody knows what was spent before, half of them.
const SETTINGS: [&str; 4] =
    ["budget.window=10m", "budget.calls_per_hour=60", "cluster.lease_time=1s", "roster.fresh_for=10m"];
const KNOWN: u64 = 57 - 28;

/// A parameter of the header's one item.
fn parameter(answer: &Answer, header: &str, name: &str) -> u64 {
    let value = answer.header(header);
    let found = value.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    found.and_then(|found| found.parse().ok()).unwrap_or_else(|| panic!("{header}: {value}"))
}

/// What the headers say: the limit, what is left of it, and the window.
fn told(answer: &Answer) -> (u64, u64, u64) {
    let policy = |name| parameter(answer, "ratelimit-policy", name);
    (policy("q"), parameter(answer, "ratelimit", "r"), policy("w"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_headers_of_all_replicas_tell_what_is_left_of_the_common_budget() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let replicas = Replicas::start(3, &tier, &vendor, &SETTINGS).await;
    assert!(is_fine(&until(|| replicas.ask(0, "known"), is_fine).await));
    // Leases that are held and not used count with the others until they are given back.
    let settled = async |expected: u64| {
        for at in 0..3 {
            let answer = until(|| replicas.ask(at, "known"), |answer| told(answer).1 == expected).await;
            assert_eq!(told(&answer), (57, expected, 600), "replica {at}");
            let budget = &answer.upstream()["budget"];
            assert_eq!((&budget["limit"], &budget["remaining"]), (&57.into(), &expected.into()), "replica {at}");
            // Until the first of them no longer counts, or what is unknown, whoever made it.
            let reset = parameter(&answer, "ratelimit", "t");
            assert!((1..=620).contains(&reset), "replica {at}: {reset}");
        }
    };
    settled(KNOWN - 1).await;
    for n in 0..6 {
        until(|| replicas.ask(1, &format!("account-{n}")), is_fine).await;
    }
    settled(KNOWN - 7).await;
    for n in 6..10 {
        until(|| replicas.ask(2, &format!("account-{n}")), is_fine).await;
    }
    settled(KNOWN - 11).await;
    assert_eq!(vendor.calls(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_has_spent_at_one_replica_is_theirs_at_all() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let accounts: Vec<String> = (0..80).map(|n| format!("CUSTOMER:account-{n}@lantern.example")).collect();
    let made = ["greedy", "modest"].map(|name| make_key_for(name, &accounts, true));
    let file = TempFile::new("keys.toml", &made.iter().map(|(_, entry)| entry.as_str()).collect::<String>());
    let keys_file = format!("auth.keys_file={}", file.as_str());
    let replicas =
        Replicas::start(3, &tier, &vendor, &[&SETTINGS[..], &["auth.mode=api-keys", keys_file.as_str()]].concat())
            .await;
    let ask = async |at: usize, caller: usize, n: usize| {
        let request = replicas.request(at, &format!("account-{n}")).bearer_auth(&made[caller].0);
        Answer::read(request.send().await.unwrap()).await
    };
    const SPENT: u64 = 10;
    for n in 0..SPENT as usize {
        until(|| ask(0, 0, n), is_fine).await;
    }
    // Four fifths of what the others leave.
    let part = |left: u64| left * 4 / 5;
    for at in 0..3 {
        // All read the first account, which costs nothing any more.
        let greedy = (part(KNOWN), part(KNOWN) - SPENT, 600);
        let modest = (part(KNOWN - SPENT), part(KNOWN - SPENT), 600);
        until(|| ask(at, 0, 0), |answer| told(answer) == greedy).await;
        until(|| ask(at, 1, 0), |answer| told(answer) == modest).await;
    }
    // Now at another one, until there is no more: as much in all as if it had been the first. What is on its way from one replica
    // to the other may be a lease too many.
    let mut got = SPENT;
    for n in SPENT as usize..60 {
        got += u64::from(is_fine(&ask(1 + n % 2, 0, n).await));
        sleep(Duration::from_millis(30)).await;
    }
    assert!((part(KNOWN) - 3..=part(KNOWN) + 2).contains(&got), "{got} of {}", part(KNOWN));
    assert_eq!(vendor.calls() as u64, got);
    // The other caller finds something at each of them.
    for at in 0..3 {
        until(|| ask(at, 1, 70 + at), is_fine).await;
    }
}
