//! Thirty-two of the longest requests at once, beside a caller with a small one, which is answered.

use std::time::{Duration, Instant};

use serde_json::json;

use super::victim::{KNOWN, Victim, query};
use crate::support::account;

/// Half of a cheap neighbour's requests, at most so many times as slow as alone. (`make worst` asks more of an optimised build.)
const RATIO: u32 = 40;

async fn median(victim: &Victim) -> Duration {
    let mut took = Vec::new();
    for _ in 0..40 {
        let started = Instant::now();
        victim.still_answers().await;
        took.push(started.elapsed());
    }
    took.sort();
    took[took.len() / 2]
}

#[tokio::test]
async fn a_cheap_neighbour_is_answered_beside_thirty_two_long_requests() {
    let victim = Victim::start(&[("graphql.response_cache_limit", "0B")]);
    victim.warm(0).await;
    victim.warm(3).await;
    let alone = median(&victim).await;
    let text = format!(
        "{{ a: teamMembers({0}, first: 1000, orderBy: [{{ field: NAME }}]) {{ nodes {{ id name }} }} b: teamMembers({0}, search: \"zz\") {{ totalCount }} }}",
        account(3)
    );
    let body = query(&text, json!({}));
    let busy = std::cell::Cell::new(true);
    let attackers = (0..32).map(|_| async {
        while busy.get() {
            let (status, _) = victim.ask(KNOWN, body.clone()).await;
            assert!([200, 400, 503].contains(&status), "{status}");
        }
    });
    let beside = async {
        let beside = median(&victim).await;
        busy.set(false);
        beside
    };
    let (_, beside) = tokio::join!(futures_util::future::join_all(attackers), beside);
    println!("half of a cheap neighbour's requests: {alone:?} alone, {beside:?} beside 32 long ones");
    assert!(beside < alone * RATIO + Duration::from_millis(50), "{alone:?} alone, {beside:?} beside 32 long requests");
}
