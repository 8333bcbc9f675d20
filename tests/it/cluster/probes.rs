//! A host that is down, and replicas that find out whether it is back: one at a time, as often as one process would.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::counting_vendor::CountingVendor;
use super::redis_server::RedisServer;
use super::replicas::{Replicas, is_fine, until};

/// A plan that is never short here.
const CALM: [&str; 3] = ["budget.window=10m", "budget.calls_per_hour=10000", "cluster.lease_time=1s"];
/// The shortest time between two probes in the first minute of an outage.
const BACKOFF: f64 = 0.64;

/// Asks all replicas for teams that nobody knows, many at a time, for so long.
async fn ask_all(replicas: &Replicas, time: Duration) {
    let started = Instant::now();
    let mut asked = JoinSet::new();
    for at in 0..replicas.all.len() {
        for n in 0..4 {
            let request = replicas.request(at, &format!("cold-{at}-{n}"));
            asked.spawn(async move {
                while started.elapsed() < time {
                    let _ = request.try_clone().unwrap().send().await;
                    sleep(Duration::from_millis(20)).await;
                }
            });
        }
    }
    asked.join_all().await;
}

async fn is_open(replicas: &Replicas, at: usize) -> bool {
    replicas.metric(at, "flowmatix_upstream_breaker_open").await > 0.5
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_down_is_probed_by_one_replica_at_a_time() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    vendor.set_latency(Duration::from_millis(200));
    let replicas = Replicas::start(3, &tier, &vendor, &CALM).await;
    vendor.set_down(true);
    for n in 0..6 {
        assert_eq!(replicas.ask(0, &format!("first-{n}")).await.codes(), ["UPSTREAM_UNAVAILABLE"]);
    }
    for at in 0..3 {
        until(|| is_open(&replicas, at), |open| *open).await;
    }
    vendor.take_most_under_way();
    let (calls, started) = (vendor.calls(), Instant::now());
    ask_all(&replicas, Duration::from_secs(6)).await;
    let (probes, elapsed) = (vendor.calls() - calls, started.elapsed().as_secs_f64());
    assert_eq!(vendor.take_most_under_way(), 1, "{probes} probes");
    assert!(probes >= 2 && probes as f64 <= elapsed / BACKOFF + 2.0, "{probes} probes in {elapsed:.1} s");
    // Whichever is answered first, all are back.
    vendor.set_down(false);
    for at in 0..3 {
        until(|| replicas.ask(at, &format!("back-{at}")), is_fine).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_tier_each_replica_probes_for_itself() {
    let (mut tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let settings = [&CALM[..], &["cluster.offline_calls=200", "roster.fresh_for=10m"]].concat();
    let replicas = Replicas::start(2, &tier, &vendor, &settings).await;
    for at in 0..2 {
        // With a first call come those that are kept for such times.
        until(|| replicas.ask(at, &format!("known-{at}")), is_fine).await;
    }
    tier.kill();
    vendor.set_down(true);
    for at in 0..2 {
        until(
            || async {
                replicas.ask(at, &format!("cold-{at}-{}", fastrand::u32(..))).await;
                is_open(&replicas, at).await
            },
            |open| *open,
        )
        .await;
    }
    let calls = vendor.calls();
    ask_all(&replicas, Duration::from_secs(3)).await;
    let probes = vendor.calls() - calls;
    // Two that know nothing of each other.
    assert!((2..=12).contains(&probes), "{probes} probes");
    vendor.set_down(false);
    for at in 0..2 {
        until(|| replicas.ask(at, &format!("back-{at}")), is_fine).await;
    }
}
