//! Cache tags over replicas: a change is posted by the replica that reads it, whatever the others know.

use std::collections::BTreeSet;

use super::counting_vendor::CountingVendor;
use super::redis_server::RedisServer;
use super::replicas::{Replicas, is_fine, until};
use crate::support::receiver::{Behaviour, Post, Receiver};
use crate::support::{Answer, TempFile};

/// The record that the replicas share of a team, as it lies in the tier.
fn record(tier: &RedisServer) -> Vec<u8> {
    let name = tier.keys().into_iter().find(|name| name.contains(":roster:"));
    name.map_or_else(Vec::new, |name| redis::from_redis_value(tier.command(&["GET", &name])).unwrap())
}

/// Has a replica read the team from the vendor, and waits until the others can find it.
async fn read(replicas: &Replicas, at: usize, tier: &RedisServer) {
    let before = record(tier);
    let request = replicas.request(at, "a").header("x-flowmatix-max-age", "0");
    let answer = Answer::read(request.send().await.unwrap()).await;
    assert!(is_fine(&answer) && answer.upstream()["calls"] == 1, "{:#}", answer.body);
    until(|| async { record(tier) }, |now| *now != before).await;
}

fn names(posts: &[Post]) -> BTreeSet<String> {
    let entries = posts.iter().flat_map(|post| post.body.as_array().unwrap());
    entries.map(|entry| entry["cache_tag"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_another_replica_has_read_and_is_undone_is_posted_twice() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let receiver = Receiver::start(Behaviour::Accept).await;
    let (key, secret) = (TempFile::new("tags-key", "a-key-of-cache-tags"), TempFile::new("router-key", "router-key"));
    let settings = [
        "cache_tags.extensions=true".to_owned(),
        format!("cache_tags.secret_file={}", key.as_str()),
        format!("cache_tags.webhook_url={}", receiver.url()),
        "cache_tags.webhook_hosts=127.0.0.1".to_owned(),
        format!("cache_tags.webhook_secret_file={}", secret.as_str()),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let replicas = Replicas::start(2, &tier, &vendor, &settings).await;
    // Both know the team as it is at first, one of them from the other.
    vendor.set_name("First");
    read(&replicas, 0, &tier).await;
    assert!(is_fine(&replicas.ask(1, "a").await));
    // One reads what has changed. The other has not heard of it when the change is undone, and reads that.
    vendor.set_name("Second");
    read(&replicas, 1, &tier).await;
    let first = receiver.posts_until(|posts| !posts.is_empty()).await;
    vendor.set_name("First");
    read(&replicas, 0, &tier).await;
    let posts = receiver.posts_until(|posts| posts.len() > first.len()).await;
    let second = &posts[first.len()..];
    assert_eq!(names(&first), names(second), "each is dropped by what it was kept under");
    // The same key on both.
    assert_eq!(first[0].headers["authorization"], second[0].headers["authorization"]);
}
