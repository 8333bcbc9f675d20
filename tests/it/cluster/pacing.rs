//! Places in a line that all replicas share: each a gap after the one before, whoever asks, and whatever becomes of the tier.

use std::sync::Arc;
use std::time::Duration;

use flowmatix_graphql::cluster::{Cluster, ClusterSecrets, PACING_SCRIPT};
use flowmatix_graphql::config::{Config, Flag, Profile};
use tokio::time::Instant;

use super::redis_server::RedisServer;
use super::script_tier::ScriptTier;

/// So long that what a busy machine is late by is nothing beside it.
const GAP: Duration = Duration::from_secs(60);
const LATE: Duration = Duration::from_secs(5);

/// A replica's end of the tier, connected.
async fn cluster(tier: &RedisServer) -> Cluster {
    let mut config = Config::defaults(Profile::Serve);
    let flag = |path: &str, value: String| Flag { flag: "test".into(), path: path.into(), value };
    config
        .follow(&[
            flag("cluster.url", tier.url()),
            flag("cluster.plaintext", "true".into()),
            flag("cluster.timeout", "1s".into()),
        ])
        .unwrap();
    let second = Duration::from_secs(1);
    let made = Cluster::new(&config.cluster, &ClusterSecrets::default(), second, second, &Arc::default());
    let cluster = made.unwrap().expect("it has an address");
    cluster.probe().await.unwrap();
    cluster
}

#[tokio::test]
async fn replicas_get_places_in_one_line_also_from_a_tier_that_has_lost_it() {
    let tier = RedisServer::start();
    let replicas = [cluster(&tier).await, cluster(&tier).await, cluster(&tier).await];
    let started = Instant::now();
    let mut places = Vec::new();
    for round in 0..5 {
        let asked = replicas.iter().map(|replica| replica.pacing.next("line", GAP));
        for place in futures_util::future::join_all(asked).await {
            places.push(place.unwrap() - started);
        }
        if round == 2 {
            tier.command(&["FLUSHALL"]);
        }
    }
    // Another line has nothing to do with it.
    assert!(replicas[0].pacing.next("other", GAP).await.unwrap() - started < LATE + started.elapsed());
    places[..9].sort_unstable();
    for pair in places[..9].windows(2) {
        let gap = pair[1] - pair[0];
        assert!((GAP - LATE..=GAP + LATE).contains(&gap), "{places:?}");
    }
    // After the loss each goes on from what it has seen, so that two of them may get places that another one has, and no more.
    places.sort_unstable();
    assert!(places[14] >= 12 * GAP - LATE, "{places:?}");
    let doubled = places.windows(2).filter(|pair| pair[1] - pair[0] < GAP - LATE).count();
    assert!(doubled <= 2, "{places:?}");
}

#[test]
fn a_clock_that_is_set_neither_bunches_places_nor_stops_the_line() {
    for seed in 0..200 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let tier = ScriptTier::new(PACING_SCRIPT, 1_700_000_000_000);
        let gap = rng.i64(1_000..500_000);
        // In microseconds of true time: now, and the last place of each of three who ask.
        let (mut now, mut last) = (0, [None::<i64>; 3]);
        let (mut all, mut set_forward): (Vec<i64>, bool) = (Vec::new(), false);
        for _ in 0..200 {
            let passed = rng.i64(0..2 * gap / 1_000) * 1_000;
            now += passed;
            let step = match rng.u8(..) {
                0..8 => -rng.i64(0..7_200_000),
                8..12 => {
                    set_forward = true;
                    rng.i64(0..7_200_000)
                }
                _ => 0,
            };
            tier.store.borrow_mut().wall += passed / 1_000 + step;
            let who = rng.usize(..3);
            let seen = last[who].map_or(0, |place| (place + gap - now).max(0));
            let wait: i64 = tier.run(&[seen.to_string(), gap.to_string()], false)[0].parse().unwrap();
            let place = now + wait;
            // Right behind the last one that was given; where the clock was set back, nobody knows what has passed meanwhile.
            let ahead = all.iter().max().map_or(0, |given| (given + gap - now).max(0));
            let unknown = if step < 0 { passed } else { 0 };
            assert!((0..=ahead + unknown).contains(&wait), "seed {seed}: {wait} of {gap}, {ahead} ahead");
            if let Some(before) = last[who] {
                assert!(place - before >= gap, "seed {seed}: one replica's places are too near");
            }
            let nearest = all.iter().map(|given| (given - place).abs()).min().unwrap_or(gap);
            assert!(set_forward || nearest >= gap, "seed {seed}: {nearest} of {gap}");
            last[who] = Some(place);
            all.push(place);
        }
    }
}
