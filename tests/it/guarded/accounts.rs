//! Isolation of accounts and callers: no call is wasted, and one account's failures do not affect another.

use std::collections::HashSet;
use std::time::Duration;

use flowmatix_graphql::model::{ErrorKind, Malformed};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::lab::{Call, Lab, Reply, key};

const SECOND: Duration = Duration::from_secs(1);
const PLENTY: (&str, &str) = ("budget.calls_per_hour", "1000000");

#[tokio::test(start_paused = true)]
async fn a_burst_of_cold_accounts_on_a_slow_and_healthy_upstream_wastes_no_call() {
    for latency in [400, 700, 1000, 1400, 1900] {
        let latency = Duration::from_millis(latency);
        let lab = Lab::with_latency(1, &[], move |_| latency, |_| Reply::Team);
        let started = Instant::now();
        let grants: Vec<_> = (0..200).map(|n| lab.grant(n)).collect();
        let answers = join_all(grants.iter().map(|grant| lab.rosters.get(grant, None))).await;
        let answered = answers.iter().filter(|answer| answer.is_ok()).count();
        assert!(answered >= 32, "{latency:?}: {answered}");
        for failed in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            // Nothing is said about the host: the time was not enough, and the caller is told when to come back.
            assert_eq!(failed.error.kind(), ErrorKind::Timeout, "{latency:?}");
            assert!(failed.error.retry_after().is_some());
        }
        assert!(started.elapsed() <= 3 * SECOND, "{latency:?}: {:?}", started.elapsed());
        sleep(5 * SECOND).await;
        // Every call brought a team, and what came too late for its caller is there for the next.
        let calls = lab.calls().len();
        assert_eq!(lab.teams(), calls, "{latency:?}");
        let (known, lost): (Vec<_>, Vec<_>) =
            grants.iter().partition(|grant| lab.rosters.get_cached(grant, None).is_some());
        assert_eq!((known.len(), lost.len()), (calls, 200 - calls));
        // And the next cold account is answered.
        lab.rosters.get(&lab.grant(999), None).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn cold_paged_accounts_are_all_answered_where_the_plan_has_room() {
    let pages = [("upstream.paged", "true")];
    let lab = Lab::new(2, &pages, |call| Reply::Rows(if call.page == Some(3) { 1 } else { 2 }, 5));
    let grants: Vec<_> = (0..8).map(|n| lab.grant(n)).collect();
    let answers = join_all(grants.iter().map(|grant| lab.rosters.get(grant, None))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(lab.calls().len(), 24);
    let share = lab.rosters.share(lab.grant(0).caller()).unwrap();
    assert_eq!(share.remaining, 950 - 24);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_always_fails_stops_no_other() {
    for reply in
        [Reply::Broken, Reply::Fail(ErrorKind::BadResponse(Malformed::TooLarge)), Reply::Unavailable, Reply::Silence]
    {
        let poisoned = |call: &Call| call.email.starts_with("n0@");
        let lab = Lab::new(3, &[PLENTY], move |call| if poisoned(call) { reply } else { Reply::Team });
        let healthy = async {
            for n in 1..=1000 {
                assert!(lab.rosters.get(&lab.grant(n), None).await.is_ok(), "{reply:?}: {n}");
                sleep(Duration::from_millis(10)).await;
            }
        };
        let failing = async {
            for _ in 0..100 {
                assert!(lab.rosters.get(&lab.grant(0), None).await.is_err());
                sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::join!(healthy, failing);
        // It has a backoff of its own.
        let calls = lab.calls().iter().filter(|call| poisoned(call)).count();
        assert!(calls <= 30, "{reply:?}: {calls}");
    }
}

/// One tenant of fifty whose accounts fail, each in turn and often at once; the others' accounts are all cold.
#[tokio::test(start_paused = true)]
async fn a_poisoned_tenant_refuses_no_other_tenant() {
    let replies = [
        Reply::Broken,
        Reply::Fail(ErrorKind::BadResponse(Malformed::TooManyRows)),
        Reply::Unavailable,
        Reply::Silence,
        Reply::Fail(ErrorKind::Unauthenticated),
        Reply::Fail(ErrorKind::Forbidden),
        Reply::Fail(ErrorKind::RateLimited(Duration::ZERO)),
    ];
    for (seed, reply) in (0..10).flat_map(|seed| replies.map(|reply| (seed, reply))) {
        let poisoned = |call: &Call| call.token == "token-0";
        let lab = Lab::new(seed, &[PLENTY], move |call| if poisoned(call) { reply } else { Reply::Team });
        let mut random = fastrand::Rng::with_seed(seed);
        for n in 0..20 {
            let failing: Vec<_> = (0..20).map(|account| lab.grant_by_token(0, 100 * n + account)).collect();
            let tenants: HashSet<u8> = (0..5).map(|_| random.u8(1..50)).collect();
            let healthy: Vec<_> = tenants.iter().map(|tenant| lab.grant_by_token(*tenant, n)).collect();
            let failing = join_all(failing.iter().map(|grant| lab.rosters.get(grant, None)));
            let healthy = join_all(healthy.iter().map(|grant| lab.rosters.get(grant, None)));
            let (failed, answered) = tokio::join!(failing, healthy);
            assert!(failed.iter().all(Result::is_err), "{reply:?}");
            assert!(answered.iter().all(Result::is_ok), "seed {seed}, {reply:?}, round {n}");
            sleep(Duration::from_millis(random.u64(0..500))).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_tenant_takes_no_permits_from_another() {
    let slow = |call: &Call| call.token == "token-1";
    let latency = move |call: &Call| Duration::from_millis(if slow(call) { 1900 } else { 50 });
    let lab = Lab::with_latency(4, &[PLENTY], latency, |_| Reply::Team);
    // Both are known to the vendor.
    for token in [1, 2] {
        lab.rosters.get(&lab.grant_by_token(token, 0), None).await.unwrap();
    }
    let many: Vec<_> = (1..=120).map(|n| lab.grant_by_token(1, n)).collect();
    let few: Vec<_> = (1..=26).map(|n| lab.grant_by_token(2, n)).collect();
    let many = join_all(many.iter().map(|grant| lab.rosters.get(grant, None)));
    let few = async {
        sleep(Duration::from_millis(100)).await;
        join_all(few.iter().map(|grant| lab.rosters.get(grant, None))).await
    };
    let (_, few) = tokio::join!(many, few);
    assert!(few.iter().all(Result::is_ok), "{few:#?}");
    assert!(lab.most_under_way() <= 32 + 4);
    sleep(5 * SECOND).await;
    assert_eq!(lab.teams(), lab.calls().len());
}

#[tokio::test(start_paused = true)]
async fn callers_with_equal_demand_get_equal_permits() {
    let settings = [PLENTY, ("upstream.concurrency", "8")];
    let lab = Lab::with_latency(5, &settings, |_| Duration::from_millis(500), |_| Reply::Team);
    let grants: Vec<_> = (0..80).map(|n| lab.grant_of(key(["a", "b"][n % 2]), n)).collect();
    let answers = join_all(grants.iter().map(|grant| lab.rosters.get(grant, None))).await;
    let answered = |who: usize| answers.iter().skip(who).step_by(2).filter(|answer| answer.is_ok()).count();
    assert!(answered(0) >= 8 && answered(0).abs_diff(answered(1)) <= 2, "{} and {}", answered(0), answered(1));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_no_caller_waits_for_goes_on_only_where_it_has_cost_a_call() {
    let lab = Lab::with_latency(6, &[("upstream.concurrency", "1")], |_| SECOND, |_| Reply::Team);
    let (first, second) = (lab.grant(0), lab.grant(1));
    // The first one has its call; the second one waits for a permit. Both callers leave.
    let leave = |grant| tokio::time::timeout(Duration::from_millis(100), lab.rosters.get(grant, None));
    let (a, b) = tokio::join!(leave(&first), leave(&second));
    assert!(a.is_err() && b.is_err());
    sleep(5 * SECOND).await;
    assert_eq!(lab.calls().len(), 1);
    assert!(lab.rosters.get_cached(&first, None).is_some());
    assert!(lab.rosters.get_cached(&second, None).is_none());
    // Nothing of it is left behind.
    lab.rosters.get(&second, None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_not_accepted_yet_have_a_small_pool_and_accepted_ones_theirs() {
    let settings = [("upstream.timeout", "60s"), ("http.timeout", "100s"), ("upstream.attempt_timeout", "10s")];
    let latency =
        |call: &Call| if call.token == "secret" { Duration::from_millis(20) } else { Duration::from_millis(4000) };
    let lab = Lab::with_latency(13, &settings, latency, |_| Reply::Team);
    let unknown: Vec<_> = (1..=20).map(|token| lab.grant_by_token(token, token.into())).collect();
    let all = join_all(unknown.iter().map(|grant| lab.rosters.get(grant, None)));
    let beside = async {
        sleep(Duration::from_millis(100)).await;
        let started = Instant::now();
        lab.rosters.get(&lab.grant(0), None).await.unwrap();
        started.elapsed()
    };
    let (answers, elapsed) = tokio::join!(all, beside);
    assert!(answers.iter().all(Result::is_ok));
    // An eighth of 32, and the one beside them, which has waited for none.
    assert_eq!(lab.most_under_way(), 5);
    assert!(elapsed < Duration::from_millis(100), "{elapsed:?}");
}
