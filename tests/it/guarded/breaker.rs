//! The circuit breaker: a failing host is called only by probes.

use std::time::Duration;

use flowmatix_graphql::model::{ErrorKind, Malformed};
use flowmatix_graphql::upstream::probe_backoff;
use tokio::time::{Instant, sleep, timeout};

use super::lab::{Call, Lab, Reply};

const FRESH: [(&str, &str); 3] =
    [("roster.fresh_for", "200ms"), ("budget.calls_per_hour", "1000000"), ("upstream.retry_ratio", "0")];

/// Asks about ten accounts in turn every 20 ms, for so long.
async fn ask(lab: &Lab, length: Duration) {
    let started = Instant::now();
    for n in 0.. {
        if started.elapsed() >= length {
            return;
        }
        let _ = lab.rosters.get(&lab.grant(n % 10), None).await;
        sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn the_pauses_grow_with_the_outage() {
    let seconds = Duration::from_secs_f64;
    for seed in 0..1000 {
        let mut random = fastrand::Rng::with_seed(seed);
        for (outage, least, most) in [
            (0.0, 0.64, 0.96),
            (59.9, 0.64, 0.96),
            (60.0, 4.0, 6.0),
            (299.9, 4.0, 6.0),
            (300.0, 24.0, 36.0),
            (86400.0, 24.0, 36.0),
        ] {
            let pause = probe_backoff(seconds(outage), &mut random);
            assert!(pause >= seconds(least) && pause <= seconds(most), "{outage}: {pause:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_probed_once_at_a_time_and_ever_more_rarely() {
    let up = Duration::from_secs(5);
    let lab = Lab::new(1, &FRESH, move |call| if call.after < up { Reply::Team } else { Reply::Unavailable });
    ask(&lab, Duration::from_secs(505)).await;
    let down: Vec<Call> = lab.calls().into_iter().filter(|call| call.after >= up).collect();
    // Failures of three accounts open it; from then on the schedule decides.
    let opened = down[2].after;
    for pair in down[3..].windows(2) {
        let (outage, gap) = ((pair[0].after - opened).as_secs_f64(), (pair[1].after - pair[0].after).as_secs_f64());
        let (least, most) = match outage {
            // A little more: the account that asks then may have been the last probe.
            ..59.0 => (0.64, 1.1),
            61.0..299.0 => (4.0, 6.1),
            301.0.. => (24.0, 36.1),
            _ => (0.64, 36.1),
        };
        assert!(gap >= least && gap <= most, "{gap} s after {outage} s");
    }
    let minute = down[3..].iter().filter(|call| call.after - opened < Duration::from_secs(60)).count();
    assert!((62..=94).contains(&minute), "{minute} probes in the first minute");
}

#[tokio::test(start_paused = true)]
async fn whatever_the_seed_it_recovers_within_a_second_of_the_vendors_return() {
    for seed in 0..1000 {
        let (down, back) = (Duration::from_millis(500), Duration::from_millis(2500 + seed));
        let lab = Lab::new(seed, &FRESH, move |call| {
            if call.after < down || call.after >= back { Reply::Team } else { Reply::Unavailable }
        });
        ask(&lab, back).await;
        let returned = Instant::now();
        while lab.rosters.get(&lab.grant(0), None).await.unwrap().stale {
            sleep(Duration::from_millis(5)).await;
            assert!(returned.elapsed() < Duration::from_secs(1), "seed {seed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn while_it_is_open_everybody_is_answered_at_once() {
    let lab = Lab::new(2, &FRESH, |_| Reply::Silence);
    for n in 0..3 {
        assert_eq!(lab.rosters.get(&lab.grant(n), None).await.unwrap_err().error.kind(), ErrorKind::Timeout);
    }
    let started = Instant::now();
    let failed = lab.rosters.get(&lab.grant(9), None).await.unwrap_err();
    assert_eq!((failed.error.kind(), failed.calls, started.elapsed()), (ErrorKind::Unavailable, 0, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn failures_of_accounts_open_it_only_where_no_account_is_answered() {
    let bad = Reply::Fail(ErrorKind::BadResponse(Malformed::NotJson));
    let between = Lab::new(3, &FRESH, move |call| if call.number % 2 == 0 { bad } else { Reply::Team });
    let always = Lab::new(3, &FRESH, move |_| bad);
    for n in 0..40 {
        let _ = between.rosters.get(&between.grant(n), None).await;
        let _ = always.rosters.get(&always.grant(n), None).await;
    }
    assert_eq!(between.calls().len(), 40);
    assert!((5..=8).contains(&always.calls().len()), "{}", always.calls().len());
}

#[tokio::test(start_paused = true)]
async fn probes_go_round_so_that_a_failing_account_does_not_use_them_up() {
    let back = Duration::from_secs(3);
    let lab = Lab::new(6, &FRESH, move |call| {
        if call.after < back || call.email.starts_with("n0@") { Reply::Unavailable } else { Reply::Team }
    });
    let started = Instant::now();
    let mut closed = None;
    while closed.is_none() {
        // The failing account always asks first.
        let _ = lab.rosters.get(&lab.grant(0), None).await;
        for n in 1..5 {
            if lab.rosters.get(&lab.grant(n), None).await.is_ok() {
                closed = Some(started.elapsed());
            }
        }
        sleep(Duration::from_millis(20)).await;
        assert!(started.elapsed() < back + Duration::from_secs(3), "it never closed");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_and_rate_limits_are_answers() {
    for kind in [ErrorKind::Rejected(404), ErrorKind::Forbidden, ErrorKind::RateLimited(Duration::from_millis(1))] {
        let lab = Lab::new(4, &FRESH, move |call| match call.number {
            1..4 => Reply::Unavailable,
            4 => Reply::Fail(kind),
            _ => Reply::Team,
        });
        for n in 0..3 {
            let _ = lab.rosters.get(&lab.grant(n), None).await;
        }
        sleep(Duration::from_secs(1)).await;
        // The probe is refused, and that closes it.
        assert_eq!(lab.rosters.get(&lab.grant(6), None).await.unwrap_err().error.kind().label(), kind.label());
        // A 429 pauses the credential for a second at least.
        sleep(Duration::from_millis(1100)).await;
        lab.rosters.get(&lab.grant(7), None).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_without_an_answer_gives_way_to_the_next() {
    let lab = Lab::new(5, &FRESH, |call| if call.number < 5 { Reply::Silence } else { Reply::Team });
    for n in 0..3 {
        let _ = lab.rosters.get(&lab.grant(n), None).await;
    }
    sleep(Duration::from_secs(1)).await;
    let grant = lab.grant(9);
    assert!(timeout(Duration::from_millis(100), lab.rosters.get(&grant, None)).await.is_err());
    assert!(lab.rosters.get(&lab.grant(10), None).await.is_err());
    sleep(Duration::from_secs(3)).await;
    lab.rosters.get(&lab.grant(10), None).await.unwrap();
}
