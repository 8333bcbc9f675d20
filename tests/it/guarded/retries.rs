//! Retries: made where they can help, within the retry budget.

use std::time::Duration;

use flowmatix_graphql::model::{ErrorKind, Malformed};
use tokio::time::{Instant, sleep};

use super::lab::{Lab, Reply};

const UNBROKEN: [(&str, &str); 2] = [("upstream.breaker", "false"), ("budget.calls_per_hour", "1000000")];

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_once_more_and_what_will_not_is_not() {
    let cases = [
        (Reply::Unavailable, 2),
        (Reply::Fail(ErrorKind::BadResponse(Malformed::Truncated)), 2),
        (Reply::Fail(ErrorKind::Unavailable), 1),
        (Reply::Fail(ErrorKind::BadResponse(Malformed::NotJson)), 1),
        (Reply::Fail(ErrorKind::Rejected(404)), 1),
        (Reply::Fail(ErrorKind::Unauthenticated), 1),
        (Reply::Fail(ErrorKind::RateLimited(Duration::from_secs(1))), 1),
    ];
    for (reply, calls) in cases {
        // With a retry to spare, and without.
        for (share, calls) in [("0.1", calls), ("0", 1)] {
            let settings = [&UNBROKEN[..], &[("upstream.retry_ratio", share)]].concat();
            let lab = Lab::new(1, &settings, move |_| reply);
            let failed = lab.rosters.get(&lab.grant(0), None).await.unwrap_err();
            assert_eq!((failed.calls as usize, lab.calls().len()), (calls, calls), "{reply:?} with {share}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_succeeds_is_an_answer() {
    let lab = Lab::new(2, &UNBROKEN, |call| if call.number == 1 { Reply::Unavailable } else { Reply::Team });
    assert_eq!(lab.rosters.get(&lab.grant(0), None).await.unwrap().calls, 2);
}

#[tokio::test(start_paused = true)]
async fn at_the_start_there_is_one_retry_and_then_one_for_every_ten_calls() {
    for seed in 0..1000 {
        let fails = fastrand::Rng::with_seed(seed).f64();
        let lab = Lab::new(seed, &UNBROKEN, move |call| {
            let unlucky = fastrand::Rng::with_seed(seed ^ call.number as u64).f64() < fails;
            if unlucky { Reply::Unavailable } else { Reply::Team }
        });
        for n in 0..60 {
            let _ = lab.rosters.get(&lab.grant(n), None).await;
            sleep(Duration::from_secs(2)).await;
        }
        let calls = lab.calls();
        // An account that was called twice was called again.
        let retried: Vec<_> =
            calls.windows(2).filter(|pair| pair[0].email == pair[1].email).map(|pair| &pair[1]).collect();
        let minute = Duration::from_secs(60);
        for last in &calls {
            let within = |at: Instant| at <= last.at && last.at - at < minute;
            let retries = retried.iter().filter(|call| within(call.at)).count();
            let firsts = calls.iter().filter(|call| within(call.at)).count() - retries;
            assert!(retries <= 1 + firsts / 10, "seed {seed}: {retries} retries for {firsts} calls");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_upstream_gives_its_error_by_the_deadline_and_is_tried_again_only_in_time() {
    for (attempt, calls, elapsed) in [("2s", 1, 2.0..2.1), ("1s", 2, 2.0..2.3), ("2900ms", 1, 2.9..3.0)] {
        let settings = [&UNBROKEN[..], &[("upstream.attempt_timeout", attempt)]].concat();
        for seed in 0..100 {
            let lab = Lab::new(seed, &settings, |_| Reply::Silence);
            let started = Instant::now();
            let failed = lab.rosters.get(&lab.grant(0), None).await.unwrap_err();
            assert_eq!((failed.error.kind(), lab.calls().len()), (ErrorKind::Timeout, calls), "{attempt}");
            assert!(elapsed.contains(&started.elapsed().as_secs_f64()), "{attempt}: {:?}", started.elapsed());
        }
    }
}
