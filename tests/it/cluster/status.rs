//! What the status page says of replicas and their tier.

use std::time::Duration;

use serde_json::{Value, json};

use super::counting_vendor::CountingVendor;
use super::redis_server::RedisServer;
use super::replicas::Replicas;
use crate::status_page::rendered_at;

/// Waits until a replica tells what is expected of the others and the tier.
async fn told(replicas: &Replicas, at: usize, expected: impl Fn(&Value) -> bool) {
    let url = replicas.service(at).admin_url("/status.json");
    let mut seen = Value::Null;
    for _ in 0..1000 {
        let text = replicas.client.get(&url).send().await.unwrap().text().await.unwrap();
        seen = serde_json::from_str::<Value>(&text).unwrap()["cluster"].take();
        if expected(&seen) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_are_counted_and_a_tier_that_is_away_is_seen() {
    let (mut tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let replicas = Replicas::start(2, &tier, &vendor, &["cluster.lease_time=1s", "budget.window=10m"]).await;
    let well = json!({ "replicas": 2, "joined": true, "leasesUp": true, "valuesUp": true });
    for at in 0..2 {
        told(&replicas, at, |cluster| *cluster == well).await;
    }
    let page = async || rendered_at(replicas.service(0).admin_url("/"), "replicas").await;
    let shown = page().await;
    let says = |text: &str| shown.contains(text);
    assert!(says("replicas, with this one") && says(">joined<") && says(">ready<"), "{shown}");
    tier.kill();
    told(&replicas, 0, |cluster| cluster["leasesUp"] == false && cluster["valuesUp"] == false).await;
    let shown = page().await;
    assert!(shown.contains("the cluster's tier is away") && shown.matches(">away<").count() == 2, "{shown}");
}
