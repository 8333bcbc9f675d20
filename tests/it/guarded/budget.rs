//! The budget: the plan is never overrun, and every caller gets an answer or a code.

use std::time::Duration;

use flowmatix_graphql::model::ErrorKind;
use flowmatix_graphql::upstream::Need;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, sleep_until};

use super::lab::{Lab, Reply, fullest};

/// Asks `rate` times a second, of `accounts` accounts in turn, for so long; the oldest answer's age, and when the last account
/// was answered for the first time. Until then, an account that cannot be read in time is told to come back soon; from then on
/// each look-up of it is answered.
async fn an_hour(lab: &Lab, accounts: usize, rate: usize, length: Duration) -> (Duration, Duration) {
    // As many at a time as come within a tenth of a second.
    let at_once = rate.div_ceil(10);
    let started = Instant::now();
    let (mut next, mut oldest, mut ticks) = (0, Duration::ZERO, 0_u32);
    let (mut known, mut all_known) = (vec![false; accounts], Duration::ZERO);
    while started.elapsed() < length {
        let asked: Vec<_> = (0..at_once).map(|n| (next + n * 7) % accounts).collect();
        let grants: Vec<_> = asked.iter().map(|account| lab.grant(*account)).collect();
        next += at_once * 7 + 1;
        let answers = join_all(grants.iter().map(|grant| lab.rosters.get(grant, None))).await;
        for (account, answer) in asked.into_iter().zip(answers) {
            match answer {
                Ok(answer) => {
                    oldest = oldest.max(answer.age);
                    if !std::mem::replace(&mut known[account], true) {
                        all_known = started.elapsed();
                    }
                }
                Err(failed) => {
                    let soon = failed.error.retry_after().is_some_and(|after| after < Duration::from_secs(60));
                    assert!(!known[account] && soon, "an account is not answered: {failed:?}");
                }
            }
        }
        ticks += 1;
        sleep_until(started + Duration::from_millis(100) * ticks).await;
    }
    assert!(known.iter().all(|known| *known), "an account was never answered");
    (oldest, all_known)
}

#[tokio::test(start_paused = true)]
async fn sixteen_accounts_in_an_hour_stay_within_the_plan_and_young() {
    let lab = Lab::new(1, &[], |_| Reply::Team);
    let (oldest, _) = an_hour(&lab, 16, 20, Duration::from_secs(5400)).await;
    assert!(lab.fullest_hour() <= 950, "{}", lab.fullest_hour());
    assert!(lab.fullest_hour() > 600, "{}", lab.fullest_hour());
    assert!(oldest < Duration::from_secs(240), "{oldest:?}");
}

#[tokio::test(start_paused = true)]
async fn five_hundred_accounts_in_an_hour_stay_within_the_plan_and_are_all_answered() {
    let lab = Lab::new(2, &[], |_| Reply::Team);
    let (oldest, all_known) = an_hour(&lab, 500, 50, Duration::from_secs(3600)).await;
    assert!(lab.fullest_hour() <= 950, "{}", lab.fullest_hour());
    assert!(oldest < Duration::from_secs(3600), "{oldest:?}");
    assert!(all_known < Duration::from_secs(60), "{all_known:?}");
}

/// The figures that the documentation shows: `make faults` runs it, with an hour at 1,000 look-ups a second.
#[tokio::test(start_paused = true)]
#[ignore = "minutes of work: run by `make faults`"]
async fn an_hour_at_a_thousand_look_ups_a_second() {
    for accounts in [16, 500] {
        let lab = Lab::new(3, &[], |_| Reply::Team);
        let (oldest, all_known) = an_hour(&lab, accounts, 1000, Duration::from_secs(3600)).await;
        let (calls, fullest) = (lab.calls().len(), lab.fullest_hour());
        println!(
            "{accounts} accounts, 1,000 look-ups a second for an hour: {calls} calls, {fullest} in the fullest hour, \
             oldest answer {} s, all accounts known after {:.1} s",
            oldest.as_secs(),
            all_known.as_secs_f64()
        );
        assert!(fullest <= 950 && oldest < Duration::from_secs(3600) && all_known < Duration::from_secs(60));
    }
}

#[tokio::test(start_paused = true)]
async fn failing_calls_count_too() {
    let lab = Lab::new(4, &[("upstream.breaker", "false")], |_| Reply::Fail(ErrorKind::Rejected(404)));
    for n in 0..1200 {
        let _ = lab.rosters.get(&lab.grant(n), None).await;
    }
    assert_eq!(lab.calls().len(), 950);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_for_new_accounts_is_not_spent_on_known_ones() {
    let lab = Lab::new(
        5,
        &[("budget.calls_per_hour", "100"), ("roster.fresh_for", "1s"), ("roster.refresh_ahead", "false")],
        |_| Reply::Team,
    );
    // 95 may be spent, 86 of them on teams that are there.
    for _ in 0..2000 {
        lab.rosters.get(&lab.grant(0), None).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    assert!(lab.calls().len() <= 86, "{}", lab.calls().len());
    let before = lab.calls().len();
    for n in 1..=9 {
        assert_eq!(lab.rosters.get(&lab.grant(n), None).await.unwrap().calls, 1);
    }
    assert_eq!(lab.calls().len(), before + 9);
}

#[tokio::test(start_paused = true)]
async fn who_finds_the_plan_spent_is_told_when_to_come_back_or_waits_where_that_is_soon() {
    let lab = Lab::new(6, &[("budget.calls_per_hour", "2")], |_| Reply::Team);
    lab.rosters.get(&lab.grant(0), None).await.unwrap();
    let failed = lab.rosters.get(&lab.grant(1), None).await.unwrap_err();
    let after = failed.error.retry_after().unwrap();
    assert!(after > Duration::from_secs(3590) && after <= Duration::from_secs(3600), "{after:?}");
    assert_eq!(failed.calls, 0);

    // A second before the first call no longer counts, waiting for it makes sense.
    sleep(after - Duration::from_secs(1)).await;
    let started = Instant::now();
    assert_eq!(lab.rosters.get(&lab.grant(1), None).await.unwrap().calls, 1);
    assert!(started.elapsed() >= Duration::from_millis(900) && started.elapsed() < Duration::from_secs(2));
    assert_eq!(lab.fullest_hour(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_429_stops_the_credential_for_as_long_as_it_says() {
    let wait = Duration::from_secs(120);
    let lab = Lab::new(7, &[("roster.fresh_for", "1s")], move |call| match call.number {
        2 => Reply::Fail(ErrorKind::RateLimited(wait)),
        _ => Reply::Team,
    });
    lab.rosters.get(&lab.grant(0), None).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    // The old team is served, then and until the time is over.
    for _ in 0..100 {
        assert!(lab.rosters.get(&lab.grant(0), None).await.unwrap().stale);
        sleep(Duration::from_secs(1)).await;
    }
    let failed = lab.rosters.get(&lab.grant(1), None).await.unwrap_err();
    assert!(failed.error.retry_after().unwrap() <= Duration::from_secs(20));
    assert_eq!(lab.calls().len(), 2);
    sleep(Duration::from_secs(25)).await;
    assert!(!lab.rosters.get(&lab.grant(0), None).await.unwrap().stale);
}

#[tokio::test(start_paused = true)]
async fn the_vendors_own_count_is_believed_where_it_is_lower() {
    let hour = Duration::from_secs(1800);
    // 5 % of the vendor's 100 are left alone.
    let lab = Lab::new(8, &[], move |call| Reply::Left(8 - u32::try_from(call.number).unwrap().min(8), 100, hour));
    for n in 0..3 {
        lab.rosters.get(&lab.grant(n), None).await.unwrap();
    }
    let share = lab.rosters.share(lab.grant(0).caller()).unwrap();
    assert_eq!((share.limit, share.remaining), (950, 0));
    let failed = lab.rosters.get(&lab.grant(4), None).await.unwrap_err();
    assert!(failed.error.retry_after().unwrap() > Duration::from_secs(1700));
    assert_eq!(lab.calls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_known_list_is_not_begun_that_the_plan_cannot_finish() {
    let pages = [("upstream.paged", "true"), ("upstream.pages_limit", "10"), ("budget.calls_per_hour", "22")];
    // 20 may be spent, 18 of them on known lists. Each list takes 6.
    let lab = Lab::new(9, &pages, |call| Reply::Rows(if call.page == Some(6) { 1 } else { 2 }, 11));
    assert_eq!(lab.rosters.get(&lab.grant(0), None).await.unwrap().calls, 6);
    assert_eq!(lab.rosters.get(&lab.grant(1), None).await.unwrap().calls, 6);
    assert!(lab.upstream.refusal(&lab.grant(0), Need::Refresh { calls: 6 }, true).is_none());
    assert!(lab.upstream.refusal(&lab.grant(0), Need::Refresh { calls: 7 }, true).is_some());
}

#[tokio::test(start_paused = true)]
async fn the_window_is_a_setting() {
    let lab =
        Lab::new(10, &[("budget.calls_per_hour", "10"), ("budget.utilization", "1"), ("budget.window", "30s")], |_| {
            Reply::Team
        });
    for n in 0..100 {
        let _ = lab.rosters.get(&lab.grant(n), None).await;
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(fullest(&lab.calls(), Duration::from_secs(30)), 10);
    assert!(lab.calls().len() >= 30, "{}", lab.calls().len());
    assert_eq!(lab.rosters.share(lab.grant(0).caller()).unwrap().window, Duration::from_secs(30));
}
