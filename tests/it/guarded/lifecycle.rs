//! The life cycle of a roster: fresh, refreshed ahead, stale, expired.

use std::sync::Arc;
use std::time::Duration;

use flowmatix_graphql::model::{CacheResult, ErrorKind};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::lab::{Lab, Reply};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn ten_thousand_equal_cold_questions_cost_one_load() {
    let lab = Lab::new(1, &[], |_| Reply::Team);
    let grant = lab.grant(0);
    let answers = join_all((0..10_000).map(|_| lab.rosters.get(&grant, None))).await;
    let calls: u32 = answers.into_iter().map(|answer| answer.unwrap().calls).sum();
    assert_eq!((calls, lab.calls().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn five_hundred_first_callers_who_leave_cost_one_load() {
    let lab = Lab::new(2, &[], |_| Reply::Team);
    let grant = lab.grant(0);
    let leave = |n: u64| {
        let wait = Duration::from_micros(fastrand::Rng::with_seed(n).u64(0..19_000));
        timeout(wait, lab.rosters.get(&grant, None))
    };
    assert!(join_all((0..500).map(leave)).await.iter().all(Result::is_err));
    assert_eq!(lab.rosters.get(&grant, None).await.unwrap().calls, 0);
    assert_eq!(lab.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_panics_is_an_error_for_all_who_wait_and_the_next_one_works() {
    let lab = Lab::new(3, &[], |call| if call.number == 1 { Reply::Panic } else { Reply::Team });
    let grant = lab.grant(0);
    for answer in join_all((0..50).map(|_| lab.rosters.get(&grant, None))).await {
        assert_eq!(answer.unwrap_err().error.kind(), ErrorKind::Internal);
    }
    lab.rosters.get(&grant, None).await.unwrap();
    assert_eq!(lab.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_team_that_is_asked_for_stays_fresh_and_one_that_is_not_costs_nothing() {
    let lab = Lab::new(4, &[], |_| Reply::Team);
    let grant = lab.grant(0);
    let started = Instant::now();
    while started.elapsed() < 10 * MINUTE {
        let found = lab.rosters.get(&grant, None).await.unwrap();
        assert!(!found.stale);
        sleep(Duration::from_secs(1)).await;
    }
    let calls = lab.calls().len();
    assert!((10..=14).contains(&calls), "{calls}");
    sleep(10 * MINUTE).await;
    assert_eq!(lab.calls().len(), calls);
}

#[tokio::test(start_paused = true)]
async fn an_old_team_is_served_while_a_newer_one_takes_its_time() {
    let slow = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let lab = {
        let slow = slow.clone();
        Lab::new(
            5,
            &[],
            move |_| {
                if slow.load(std::sync::atomic::Ordering::Relaxed) { Reply::Silence } else { Reply::Team }
            },
        )
    };
    let grant = lab.grant(0);
    lab.rosters.get(&grant, None).await.unwrap();
    sleep(2 * MINUTE).await;
    slow.store(true, std::sync::atomic::Ordering::Relaxed);
    let started = Instant::now();
    let found = lab.rosters.get(&grant, None).await.unwrap();
    assert_eq!((found.cache, found.stale, found.calls), (CacheResult::Stale, true, 1));
    assert_eq!(started.elapsed(), Duration::from_millis(250));
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_an_hour_is_gone() {
    let down = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let lab =
        {
            let down = down.clone();
            Lab::new(6, &[], move |_| {
                if down.load(std::sync::atomic::Ordering::Relaxed) { Reply::Unavailable } else { Reply::Team }
            })
        };
    let grant = lab.grant(0);
    lab.rosters.get(&grant, None).await.unwrap();
    down.store(true, std::sync::atomic::Ordering::Relaxed);
    sleep(59 * MINUTE).await;
    assert!(lab.rosters.get(&grant, None).await.unwrap().stale);
    sleep(MINUTE).await;
    assert_eq!(lab.rosters.get(&grant, None).await.unwrap_err().error.kind(), ErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_remembered_for_a_while() {
    for (kind, seconds) in
        [(ErrorKind::Unauthenticated, 10), (ErrorKind::Forbidden, 10), (ErrorKind::Rejected(422), 30)]
    {
        let lab = Lab::new(7, &[], move |call| if call.number == 1 { Reply::Fail(kind) } else { Reply::Team });
        let grant = lab.grant(0);
        for second in 0..seconds {
            let failed = lab.rosters.get(&grant, None).await.unwrap_err();
            assert_eq!((failed.error.kind(), failed.calls), (kind, u32::from(second == 0)), "{second} s");
            // A credential that is not accepted is not accepted for any account.
            if kind == ErrorKind::Unauthenticated {
                assert!(lab.rosters.get(&lab.grant(1), None).await.is_err());
            }
            sleep(Duration::from_secs(1)).await;
        }
        lab.rosters.get(&grant, None).await.unwrap();
        assert_eq!(lab.calls().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_keeps_failing_is_not_asked_for_by_every_question() {
    let failing = |email: &str| email.starts_with("n0@");
    let settings = [("upstream.retry_ratio", "0"), ("roster.fresh_for", "1s"), ("budget.calls_per_hour", "1000000")];
    let lab = Lab::new(8, &settings, move |call| if failing(&call.email) { Reply::Unavailable } else { Reply::Team });
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(30) {
        // The others keep the breaker closed.
        for n in 0..5 {
            let _ = lab.rosters.get(&lab.grant(n), None).await;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let calls = lab.calls().iter().filter(|call| failing(&call.email)).count();
    assert!((20..=50).contains(&calls), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_something_younger_gets_it_while_the_plan_is_not_short() {
    let lab = Lab::new(9, &[("budget.calls_per_hour", "20")], |_| Reply::Team);
    let grant = lab.grant(0);
    let young = Some(Duration::from_secs(5));
    lab.rosters.get(&grant, None).await.unwrap();
    sleep(Duration::from_secs(4)).await;
    assert_eq!(lab.rosters.get(&grant, young).await.unwrap().calls, 0);
    sleep(Duration::from_secs(2)).await;
    let found = lab.rosters.get(&grant, young).await.unwrap();
    // As old as the call took.
    assert_eq!((found.calls, found.age, found.notice), (1, Duration::from_millis(20), None));
    // Until four fifths are spent; then what is there, and why.
    let mut refused = 0;
    for _ in 0..30 {
        sleep(Duration::from_secs(6)).await;
        refused += usize::from(lab.rosters.get(&grant, young).await.unwrap().notice.is_some());
    }
    assert!(refused >= 14, "{refused}");
    assert!(lab.calls().len() <= 17, "{}", lab.calls().len());
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_a_quiet_minute_is_the_first_of_a_new_series() {
    let settings = [("upstream.retry_ratio", "0"), ("upstream.breaker", "false")];
    let lab = Lab::new(11, &settings, |_| Reply::Broken);
    let grant = lab.grant(0);
    while lab.calls().len() < 5 {
        assert!(lab.rosters.get(&grant, None).await.is_err());
        sleep(Duration::from_millis(100)).await;
    }
    // The fifth failure in a row is remembered for longer than the first.
    sleep(Duration::from_secs(5)).await;
    assert!(lab.rosters.get(&grant, None).await.is_err());
    assert_eq!(lab.calls().len(), 5);
    sleep(Duration::from_secs(90)).await;
    for calls in [6, 7] {
        assert!(lab.rosters.get(&grant, None).await.is_err());
        assert_eq!(lab.calls().len(), calls);
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_newest_refusals_are_remembered_however_many_there_are() {
    let settings = [("budget.calls_per_hour", "1000000")];
    let lab = Lab::with_latency(12, &settings, |_| Duration::from_millis(1), |_| Reply::Fail(ErrorKind::Rejected(404)));
    const ACCOUNTS: usize = 10_200;
    for n in 0..ACCOUNTS {
        assert!(lab.rosters.get(&lab.grant(n), None).await.is_err());
    }
    assert_eq!(lab.calls().len(), ACCOUNTS);
    for n in ACCOUNTS - 1000..ACCOUNTS {
        assert!(lab.rosters.get(&lab.grant(n), None).await.is_err());
    }
    assert_eq!(lab.calls().len(), ACCOUNTS);
}
