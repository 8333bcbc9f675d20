//! One plan over real replicas and a real Redis: the vendor counts, whatever is killed, hung, flushed or failed over.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::counting_vendor::CountingVendor;
use super::load::{Load, Told};
use super::redis_server::RedisServer;
use crate::support::{TempFile, make_key_for};

use super::replicas::{Replicas, is_fine, until};

const WINDOW: Duration = Duration::from_secs(4);
/// Of a plan of 60, 57 may be spent.
const PLAN: &str = "budget.calls_per_hour=60";
const SPENDABLE: usize = 57;
/// Rosters that are never fresh for long, so that every question would like to make a call.
const HUNGRY: [&str; 4] = [PLAN, "roster.fresh_for=20ms", "roster.stale_for=1h", "roster.stale_wait=20ms"];

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_spend_one_plan_and_nearly_all_of_it() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let replicas = Replicas::start(3, &tier, &vendor, &HUNGRY).await;
    let load = Load::start(&replicas, 200);
    sleep(4 * WINDOW).await;
    load.stop().await;
    let (most, calls) = (vendor.most_in(WINDOW), vendor.calls());
    assert!(most <= SPENDABLE, "{most} calls in a window");
    assert!(calls > 2 * SPENDABLE, "{calls} calls in four windows");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_hung_flushed_or_restarted_the_plan_is_kept() {
    let (mut tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let mut replicas = Replicas::start(3, &tier, &vendor, &HUNGRY).await;
    let mut rng = fastrand::Rng::with_seed(18);
    let started = Instant::now();
    let mut round = 0;
    while started.elapsed() < 8 * WINDOW {
        let load = Load::start(&replicas, 150);
        sleep(Duration::from_millis(rng.u64(300..1500))).await;
        match round % 5 {
            0 => replicas.kill(rng.usize(..3)),
            1 => {
                tier.signal("STOP");
                sleep(Duration::from_millis(rng.u64(100..2000))).await;
                tier.signal("CONT");
            }
            2 => drop(tier.command(&["FLUSHALL"])),
            3 => drop(tier.command(&["SCRIPT", "FLUSH"])),
            _ => tier.restart_empty(),
        }
        sleep(Duration::from_millis(rng.u64(300..1500))).await;
        load.stop().await;
        replicas.start_missing().await;
        round += 1;
    }
    let (most, calls) = (vendor.most_in(WINDOW), vendor.calls());
    println!("{round} faults, {calls} calls, {most} in a window");
    assert!(most <= SPENDABLE, "{most} calls in a window");
    assert!(calls > SPENDABLE / 2, "{calls} calls: it is no feat to make none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_to_a_copy_that_is_behind_overruns_nothing() {
    let vendor = CountingVendor::start().await;
    let (mut first, second) = {
        let first = RedisServer::start();
        let second = RedisServer::copy_of(&first);
        (first, second)
    };
    until(|| async { second.text(&["INFO", "replication"]) }, |text| text.contains("master_link_status:up")).await;
    let proxy = super::proxy::Proxy::start(first.port).await;
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    let replicas = Replicas::at(3, &url, &vendor, &HUNGRY).await;
    let load = Load::start(&replicas, 150);
    sleep(WINDOW / 2).await;
    // The copy hears no more of it for a while, and is then the one.
    second.command(&["REPLICAOF", "NO", "ONE"]);
    sleep(Duration::from_millis(300)).await;
    first.kill();
    proxy.lead_to(second.port);
    sleep(2 * WINDOW).await;
    let calls = vendor.calls();
    sleep(WINDOW).await;
    load.stop().await;
    let most = vendor.most_in(WINDOW);
    assert!(most <= SPENDABLE, "{most} calls in a window");
    assert!(vendor.calls() > calls, "no calls are made after the failover");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_tier_known_accounts_are_answered_and_no_call_is_made_outside_leases() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let replicas = Replicas::start(3, &tier, &vendor, &HUNGRY).await;
    for at in 0..3 {
        for n in 0..10 {
            assert!(is_fine(&until(|| replicas.ask(at, &format!("account-{n}")), is_fine).await));
        }
    }
    tier.signal("STOP");
    // The leases that are held end.
    sleep(Duration::from_secs(2)).await;
    let calls = vendor.calls();
    let load = Load::start(&replicas, 10);
    sleep(Duration::from_secs(4)).await;
    let Told { asked, failed, .. } = load.stop().await;
    assert_eq!(failed, 0, "of {asked}");
    assert_eq!(vendor.calls(), calls);
    tier.signal("CONT");
    let back = Instant::now();
    until(|| replicas.metric(0, "flowmatix_cluster_away{connection=\"leases\"}"), |away| *away < 0.5).await;
    // Generously: the machine may be busy with other things.
    assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    until(|| async { replicas.ask(1, "account-new").await }, is_fine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_fails_no_request_and_costs_no_call() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let fresh = ["roster.fresh_for=10m", "roster.refresh_ahead=false"];
    let mut replicas = Replicas::start(3, &tier, &vendor, &fresh).await;
    for n in 0..20 {
        assert!(is_fine(&replicas.ask(n % 3, &format!("account-{n}")).await));
    }
    let calls = vendor.calls();
    for at in 0..3 {
        // A balancer that has noticed sends requests to the others only.
        let mut leaving = replicas.all[at].take().unwrap();
        let load = Load::start(&replicas, 20);
        tokio::task::spawn_blocking(move || leaving.signal_and_wait()).await.unwrap();
        let Told { asked, failed, .. } = load.stop().await;
        assert!(failed == 0 && asked > 0, "{failed} of {asked}");
        replicas.start_missing().await;
        let load = Load::start(&replicas, 20);
        sleep(Duration::from_millis(500)).await;
        let Told { asked, failed, .. } = load.stop().await;
        assert!(failed == 0 && asked > 0, "{failed} of {asked}");
    }
    assert_eq!(vendor.calls(), calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_replicas_tell_the_common_budget() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let settings = ["budget.window=10m", "budget.calls_per_hour=100", "cluster.lease_time=1s"];
    let replicas = Replicas::start(3, &tier, &vendor, &settings).await;
    let left = async |at: usize| {
        let answer = replicas.ask(at, "first").await;
        answer.upstream()["budget"]["remaining"].as_u64().unwrap()
    };
    let before = left(0).await;
    for n in 0..10 {
        until(|| replicas.ask(n % 3, &format!("account-{n}")), is_fine).await;
    }
    for at in 0..3 {
        // Leases that are held and not used yet count with the others.
        until(|| left(at), |left| *left <= before - 10).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_asks_all_replicas_leaves_something_for_another_one() {
    let (tier, vendor) = (RedisServer::start(), CountingVendor::start().await);
    let accounts: Vec<String> = (0..80).map(|n| format!("CUSTOMER:account-{n}@lantern.example")).collect();
    let (made, file) = (["greedy", "modest"].map(|name| make_key_for(name, &accounts, true)), "keys.toml");
    let file = TempFile::new(file, &made.iter().map(|(_, entry)| entry.as_str()).collect::<String>());
    let keys_file = format!("auth.keys_file={}", file.as_str());
    let settings = ["budget.window=10m", PLAN, "cluster.lease_time=1s", "auth.mode=api-keys", &keys_file];
    let replicas = Replicas::start(3, &tier, &vendor, &settings).await;
    let ask = async |at: usize, caller: usize, n: usize| {
        let request = replicas.request(at, &format!("account-{n}")).bearer_auth(&made[caller].0);
        crate::support::Answer::read(request.send().await.unwrap()).await
    };
    let mut got = 0;
    for n in 0..80 {
        got += usize::from(is_fine(&ask(n % 3, 0, n).await));
        // As fast as people ask: what one replica spends is known to the others a little later.
        sleep(Duration::from_millis(40)).await;
    }
    // Four fifths of what others leave. A tier that nobody has used counts half as spent, because nobody knows: 23 of 57, and what
    // was on its way.
    assert!((15..=28).contains(&got), "{got}");
    let modest = until(|| ask(2, 1, 79), is_fine).await;
    assert_eq!(modest.upstream()["budget"]["limit"].as_u64().map(|limit| limit < SPENDABLE as u64), Some(true));
}
