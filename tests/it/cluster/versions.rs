//! Two versions of the service over one tier: what the other one has written is missing, and stays as it is.

use flowmatix_graphql::cluster::Cipher;

use super::counting_vendor::CountingVendor;
use super::redis_server::RedisServer;
use super::replicas::{Replicas, is_fine, keys, until};

const CALM: [&str; 2] = ["budget.window=10m", "cluster.lease_time=1s"];

async fn record(tier: &RedisServer) -> String {
    let found = || tier.keys().into_iter().find(|key| key.starts_with("flowmatix:1:roster:"));
    until(|| async { found() }, Option::is_some).await.unwrap()
}

fn bytes(tier: &RedisServer, key: &str) -> Vec<u8> {
    redis::from_redis_value(tier.command(&["GET", key])).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_a_former_version_has_named_is_missing_and_left_alone() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let mut replicas = Replicas::start(1, &tier, &vendor, &CALM).await;
    assert!(is_fine(&replicas.ask(0, "team").await));
    let name = record(&tier).await;
    replicas.kill(0);
    // Now the tier is as a former version leaves it: its own list of replicas, ledgers, notices and records.
    let former = |key: &str| key.replacen("flowmatix:1:", "flowmatix:0:", 1);
    for key in tier.keys() {
        assert!(key.starts_with("flowmatix:1:"), "{key} tells no version");
        tier.command(&["RENAME", &key, &former(&key)]);
    }
    // Claims end by themselves.
    let lasting = || tier.keys().into_iter().filter(|key| key.starts_with("flowmatix:0:") && !key.contains(":claim:"));
    let (old, before) = (former(&name), lasting().count());
    let content = bytes(&tier, &old);
    replicas.start_missing().await;
    let answer = until(|| replicas.ask(0, "team"), is_fine).await;
    assert_eq!(answer.upstream()["calls"], 1);
    assert_eq!(vendor.calls(), 2);
    assert_eq!(record(&tier).await, name);
    assert_eq!(bytes(&tier, &old), content);
    assert_eq!(lasting().count(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_with_a_former_versions_content_is_missing() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let mut replicas = Replicas::start(1, &tier, &vendor, &CALM).await;
    assert!(is_fine(&replicas.ask(0, "team").await));
    let name = record(&tier).await;
    let (cipher, _) = Cipher::read(&keys(&["a"])).unwrap();
    let plain = cipher.open(&name, &bytes(&tier, &name)).unwrap();
    // A line that says how it is kept, its marks, a line that says how it was read, and the members, a line each.
    let head_end = plain.iter().position(|byte| *byte == b'\n').unwrap();
    let (head, rest) = plain.split_at(head_end);
    let head: Vec<serde_json::Value> = serde_json::from_slice(head).unwrap();
    assert_eq!(head.len(), 3);
    let shorter = [&serde_json::to_vec(&head[..2]).unwrap(), rest].concat();
    let rest = String::from_utf8(rest.to_vec()).unwrap();
    assert!(rest.contains("\"duplicates\":0,"), "{rest}");
    let fewer = [&plain[..head_end], rest.replacen("\"duplicates\":0,", "", 1).as_bytes()].concat();
    // As long as a record lives, so that it is new.
    let (mut calls, lives) = (vendor.calls(), head[0].to_string());
    for (n, former) in [shorter, fewer, b"[]\n".to_vec(), plain.clone()].into_iter().enumerate() {
        let sealed = cipher.seal(&name, &former).unwrap();
        let mut connection = redis::Client::open(tier.url()).unwrap().get_connection().unwrap();
        redis::cmd("SET").arg(&name).arg(&sealed).arg("PX").arg(&lives).exec(&mut connection).unwrap();
        replicas.add().await;
        let answer = until(|| replicas.ask(1, "team"), is_fine).await;
        // The last one is as it should be, and costs nothing: what was changed is what made the others none.
        calls += usize::from(n < 3);
        assert_eq!((vendor.calls(), answer.upstream()["calls"].as_u64()), (calls, Some(u64::from(n < 3))), "{n}");
        // It is written again behind the answer.
        until(|| async { bytes(&tier, &name) }, |now| n == 3 || *now != sealed).await;
        replicas.all.truncate(1);
    }
}
