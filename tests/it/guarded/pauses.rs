//! Pauses after 429 and 503, on a paused clock: how often the vendor is called while it keeps asking for them.

use std::time::Duration;

use flowmatix_graphql::model::ErrorKind;
use tokio::time::{Instant, sleep};

use super::lab::{Call, Lab, Reply};

const MINUTE: Duration = Duration::from_secs(60);
/// Nothing but the pauses stands between a question and a call.
const PLENTY: [(&str, &str); 3] =
    [("roster.fresh_for", "1ms"), ("budget.calls_per_hour", "1000000"), ("upstream.retry_ratio", "0")];

/// Asks about an account every 100 ms, for so long; each is asked for the first time.
async fn ask(lab: &Lab, length: Duration) {
    let started = Instant::now();
    for n in 0.. {
        if started.elapsed() >= length {
            return;
        }
        let _ = lab.rosters.get(&lab.grant(n), None).await;
        sleep(Duration::from_millis(100)).await;
    }
}

fn gaps(calls: &[Call]) -> Vec<f64> {
    calls.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect()
}

#[tokio::test(start_paused = true)]
async fn while_429s_go_on_the_pause_doubles_up_to_a_minute() {
    let lab = Lab::new(1, &PLENTY, |_| Reply::Fail(ErrorKind::RateLimited(Duration::ZERO)));
    ask(&lab, 10 * MINUTE).await;
    let gaps = gaps(&lab.calls());
    for (gap, floor) in gaps.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]) {
        assert!((floor..floor + 0.3).contains(gap), "{gaps:?}");
    }
    assert!(gaps.len() >= 13 && gaps.len() <= 16, "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_the_doubling_and_so_does_a_quiet_minute() {
    // Every third call is refused.
    let lab = Lab::new(2, &PLENTY, |call| match call.number % 3 {
        0 => Reply::Fail(ErrorKind::RateLimited(Duration::ZERO)),
        _ => Reply::Team,
    });
    ask(&lab, MINUTE).await;
    assert!(gaps(&lab.calls()).iter().all(|gap| *gap < 1.5), "{:?}", gaps(&lab.calls()));

    let lab = Lab::new(3, &PLENTY, |_| Reply::Fail(ErrorKind::RateLimited(Duration::ZERO)));
    ask(&lab, MINUTE).await;
    sleep(5 * MINUTE).await;
    let before = lab.calls().len();
    ask(&lab, MINUTE).await;
    let after = gaps(&lab.calls()[before..]);
    assert!((1.0..1.3).contains(&after[0]), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn calls_that_were_under_way_do_not_raise_the_floor() {
    let lab = Lab::new(4, &PLENTY, |_| Reply::Fail(ErrorKind::RateLimited(Duration::ZERO)));
    let grants: Vec<_> = (0..20).map(|n| lab.grant(n)).collect();
    futures_util::future::join_all(grants.iter().map(|grant| lab.rosters.get(grant, None))).await;
    let before = lab.calls().len();
    assert_eq!(before, 20);
    ask(&lab, Duration::from_secs(3)).await;
    let first = lab.calls()[before].at - lab.calls()[before - 1].at;
    assert!(first < Duration::from_millis(1300), "{first:?}");
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_one_call_finds_out_for_all_callers() {
    let lab = Lab::new(7, &PLENTY, |_| Reply::Fail(ErrorKind::RateLimited(Duration::ZERO)));
    let _ = lab.rosters.get(&lab.grant(0), None).await;
    let started = Instant::now();
    for round in 1.. {
        if started.elapsed() >= 5 * MINUTE {
            break;
        }
        let grants: Vec<_> = (0..20).map(|n| lab.grant(round * 20 + n)).collect();
        futures_util::future::join_all(grants.iter().map(|grant| lab.rosters.get(grant, None))).await;
        sleep(Duration::from_millis(100)).await;
    }
    // 1 + 2 + 4 + … + 32 s, then one a minute.
    assert!(lab.calls().len() <= 12, "{:?}", gaps(&lab.calls()));
}

#[tokio::test(start_paused = true)]
async fn what_the_vendor_asks_for_is_kept_and_no_more_than_an_hour_of_it() {
    for (asked, least, most) in [(7, 7.0, 7.3), (90, 90.0, 90.3), (1_000_000_000, 3600.0, 3600.3)] {
        let lab = Lab::new(5, &PLENTY, move |call| match call.number {
            1 => Reply::Fail(ErrorKind::RateLimited(Duration::from_secs(asked))),
            _ => Reply::Team,
        });
        let _ = lab.rosters.get(&lab.grant(0), None).await;
        while lab.calls().len() < 2 {
            let _ = lab.rosters.get(&lab.grant(0), None).await;
            sleep(Duration::from_millis(100)).await;
        }
        let gap = gaps(&lab.calls())[0];
        assert!((least..most).contains(&gap), "{asked}: {gap}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_says_when_it_is_back_is_left_alone_until_then() {
    let back = Duration::from_secs(30);
    let lab = Lab::new(
        6,
        &PLENTY,
        move |call| if call.after < back { Reply::BackAt(back - call.after) } else { Reply::Team },
    );
    ask(&lab, Duration::from_secs(29)).await;
    assert_eq!(lab.calls().len(), 1, "not retried, not probed");
    let failed = lab.rosters.get(&lab.grant(9), None).await.unwrap_err();
    assert_eq!((failed.error.kind(), failed.calls), (ErrorKind::Unavailable, 0));
    assert!(failed.error.retry_after().unwrap() <= Duration::from_secs(2));
    ask(&lab, Duration::from_secs(3)).await;
    assert!(lab.rosters.get(&lab.grant(9), None).await.is_ok());
}
