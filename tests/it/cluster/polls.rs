//! Teams that are listened to at several replicas: one reads for all, and all readings together keep to their part of the plan.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::counting_vendor::CountingVendor;
use super::listeners::{Listener, all_see};
use super::redis_server::RedisServer;
use super::replicas::{Replicas, email};

const INTERVAL: Duration = Duration::from_secs(1);
const SETTINGS: [&str; 7] = [
    "budget.window=10m",
    "budget.calls_per_hour=100000",
    "cluster.lease_time=1s",
    "live.interval=1s",
    "live.interval_floor=1s",
    "roster.fresh_for=1s",
    "roster.refresh_ahead=false",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_team_that_is_listened_to_at_all_replicas_is_read_by_one_at_a_time() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let replicas = Replicas::start(3, &tier, &vendor, &SETTINGS).await;
    let started = Instant::now();
    let mut listeners = Vec::new();
    for at in 0..3 {
        listeners.push(Listener::start(&replicas, at, "listened").await);
        // They begin at different times of an interval.
        sleep(Duration::from_millis(310)).await;
    }
    for name in ["First", "Second", "Third"] {
        vendor.set_name(name);
        all_see(&listeners, name).await;
        sleep(INTERVAL).await;
    }
    let (elapsed, calls) = (started.elapsed(), vendor.calls_for(&email("listened")));
    let intervals = elapsed.as_secs_f64() / INTERVAL.as_secs_f64();
    assert!(calls as f64 <= intervals * 1.3 + 2.0, "{calls} calls in {intervals:.1} intervals");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_replica_that_polls_is_killed_another_one_does() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let mut replicas = Replicas::start(3, &tier, &vendor, &SETTINGS).await;
    let started = Instant::now();
    let mut listeners = Vec::new();
    for at in 0..3 {
        listeners.push(Listener::start(&replicas, at, "listened").await);
    }
    vendor.set_name("All");
    all_see(&listeners, "All").await;
    // Whichever of them polls: of two that are killed in turn, and one that is left, each has to take over from another one.
    for (at, name) in [(0, "Without the first"), (1, "Without the second")] {
        replicas.kill(at);
        listeners.remove(0);
        let killed = Instant::now();
        vendor.set_name(name);
        all_see(&listeners, name).await;
        // An interval, the rest of a claim, and what a busy machine takes.
        assert!(killed.elapsed() < 8 * INTERVAL, "{:?}", killed.elapsed());
    }
    let (elapsed, calls) = (started.elapsed(), vendor.calls_for(&email("listened")));
    let intervals = elapsed.as_secs_f64() / INTERVAL.as_secs_f64();
    assert!(calls as f64 <= intervals * 1.3 + 4.0, "{calls} calls in {intervals:.1} intervals");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_polls_together_keep_to_their_part_of_the_plan_in_any_window() {
    const WINDOW: Duration = Duration::from_secs(6);
    /// Of a plan of 60, 57 may be spent, 52 of them for teams that are known, and a fifth of those by polls.
    const POLLS: usize = 10;
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let settings = [
        "budget.window=6s",
        "budget.calls_per_hour=60",
        "live.interval=1s",
        "live.interval_floor=1s",
        "live.budget_ratio=0.2",
        "roster.fresh_for=1s",
        "roster.refresh_ahead=false",
    ];
    let replicas = Replicas::start(3, &tier, &vendor, &settings).await;
    let mut listeners = Vec::new();
    for at in 0..3 {
        // Teams of its own, and some that all listen to.
        for account in (0..5).map(|n| format!("own-{at}-{n}")).chain((0..3).map(|n| format!("common-{n}"))) {
            listeners.push(Listener::start(&replicas, at, &account).await);
        }
    }
    // What a first tier does not know counts as spent for a window and a little, and each team is read once at first.
    all_see(&listeners, "Zebedee").await;
    sleep(2 * WINDOW).await;
    let before = vendor.calls();
    sleep(3 * WINDOW).await;
    let (most, polls) = (vendor.most_since(before, WINDOW), vendor.calls() - before);
    assert!(most <= POLLS, "{most} polls in a window, {POLLS} allowed");
    assert!(polls * 10 > 3 * POLLS * 6, "{polls} polls in three windows: it is no feat to make few");
    // None of the 18 teams is left out: all get their turn.
    vendor.set_name("Anew");
    let started = Instant::now();
    while !listeners.iter().all(|listener| listener.sees("Anew")) {
        assert!(started.elapsed() < 8 * WINDOW, "some team is never read again");
        sleep(Duration::from_millis(50)).await;
    }
}
