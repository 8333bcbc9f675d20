//! Refused credentials: a refusal belongs to the secret that was refused; for the server's own credential, rosters stay.

use std::sync::Arc;
use std::time::Duration;

use flowmatix_graphql::model::{CallerId, Credential, CredentialId, ErrorKind, IdentityHash};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::lab::{Call, Lab, Reply, fullest};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_refused_credential_of_the_server_keeps_its_rosters_and_is_probed_every_ten_seconds() {
    let refused_after = 10 * SECOND;
    let settings = [("roster.fresh_for", "1s"), ("budget.calls_per_hour", "100000")];
    let lab = Lab::new(1, &settings, move |call| {
        if call.after < refused_after { Reply::Team } else { Reply::Fail(ErrorKind::Unauthenticated) }
    });
    let known: Vec<_> = (0..20).map(|n| lab.grant(n)).collect();
    for answer in join_all(known.iter().map(|grant| lab.rosters.get(grant, None))).await {
        answer.unwrap();
    }
    sleep(refused_after).await;
    // What is asked for at once finds out at once; from then on one load at a time does.
    for answer in join_all(known.iter().map(|grant| lab.rosters.get(grant, None))).await {
        assert!(answer.unwrap().stale);
    }
    let before = lab.calls().len();
    let started = Instant::now();
    while started.elapsed() < 60 * SECOND {
        for answer in join_all(known.iter().map(|grant| lab.rosters.get(grant, None))).await {
            assert!(answer.unwrap().stale);
        }
        // A caller without a roster is told why.
        let failed = lab.rosters.get(&lab.grant(99), None).await.unwrap_err();
        assert_eq!(failed.error.kind(), ErrorKind::Unauthenticated);
        sleep(Duration::from_millis(50)).await;
    }
    let probes = lab.calls()[before..].to_vec();
    assert!((5..=7).contains(&probes.len()), "{}", probes.len());
    assert_eq!(fullest(&probes, 9 * SECOND), 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_secret_is_tried_at_once() {
    let lab = Lab::new(2, &[("roster.fresh_for", "1s")], |call| match call.token.as_str() {
        "secret" => Reply::Fail(ErrorKind::Unauthenticated),
        _ => Reply::Team,
    });
    let old = lab.grant(0);
    assert_eq!(lab.rosters.get(&old, None).await.unwrap_err().error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(lab.rosters.get(&old, None).await.unwrap_err().calls, 0);
    let rotated = Arc::new(lab.credential().rotated("new secret".into()));
    let new: Vec<_> = (0..10).map(|n| lab.grant_with(rotated.clone(), CallerId::Anonymous, n)).collect();
    for answer in join_all(new.iter().map(|grant| lab.rosters.get(grant, None))).await {
        answer.unwrap();
    }
    assert_eq!(lab.calls().len(), 11);
}

/// The old secret's 401 takes a second; meanwhile the secret was replaced, and questions come with the new one.
#[tokio::test(start_paused = true)]
async fn a_late_refusal_of_a_replaced_secret_refuses_no_question() {
    let old = |call: &Call| call.token == "secret";
    let lab = Lab::with_latency(
        3,
        &[("roster.fresh_for", "2s"), ("budget.calls_per_hour", "100000")],
        move |call| if old(call) && call.after > SECOND { SECOND } else { Duration::from_millis(20) },
        move |call| {
            if old(call) && call.after > SECOND { Reply::Fail(ErrorKind::Unauthenticated) } else { Reply::Team }
        },
    );
    for n in 0..4 {
        lab.rosters.get(&lab.grant(n), None).await.unwrap();
    }
    sleep(3 * SECOND).await;
    // Cold accounts, asked for with the old secret, are under way when it is replaced.
    let late: Vec<_> = (10..14).map(|n| lab.grant(n)).collect();
    let rosters = lab.rosters.clone();
    let under_way =
        tokio::spawn(async move { join_all(late.iter().map(|grant| rosters.get(grant, None))).await.len() });
    sleep(Duration::from_millis(100)).await;
    let rotated = Arc::new(lab.credential().rotated("new secret".into()));
    let started = Instant::now();
    while started.elapsed() < 12 * SECOND {
        for n in (0..4).chain(10..14) {
            let grant = lab.grant_with(rotated.clone(), CallerId::Anonymous, n);
            lab.rosters.get(&grant, None).await.unwrap();
        }
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(under_way.await.unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_of_a_caller_loses_its_rosters_and_no_other_does() {
    let lab = Lab::new(4, &[("roster.fresh_for", "1s")], |call| {
        if call.token == "token-1" && call.after > SECOND {
            Reply::Fail(ErrorKind::Unauthenticated)
        } else {
            Reply::Team
        }
    });
    for (token, n) in [(1, 0), (1, 1), (2, 0)] {
        lab.rosters.get(&lab.grant_by_token(token, n), None).await.unwrap();
    }
    sleep(2 * SECOND).await;
    assert!(lab.rosters.get(&lab.grant_by_token(1, 0), None).await.is_err());
    assert!(lab.rosters.get(&lab.grant_by_token(1, 1), None).await.is_err());
    lab.rosters.get(&lab.grant_by_token(2, 0), None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn only_a_team_makes_a_token_accepted() {
    for kind in [ErrorKind::Rejected(404), ErrorKind::Forbidden, ErrorKind::RateLimited(SECOND)] {
        let lab = Lab::new(5, &[], move |call| if call.number == 1 { Reply::Fail(kind) } else { Reply::Team });
        let grant = lab.grant_by_token(1, 0);
        assert!(lab.rosters.get(&grant, None).await.is_err());
        assert!(!lab.rosters.has_accepted(grant.caller()), "{kind:?}");
        sleep(40 * SECOND).await;
        lab.rosters.get(&grant, None).await.unwrap();
        assert!(lab.rosters.has_accepted(grant.caller()));
    }
}

/// What the vendor says about a token takes nothing out of the ledger.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_recorded_stays_recorded_whatever_the_vendor_says() {
    let held = |lab: &Lab, n: usize| lab.grant(n);
    let token = |lab: &Lab, n: usize| lab.grant_by_token(7, n);
    let failing_18_times = |call: &Call| match call.number {
        ..=18 => Reply::Unavailable,
        19 => Reply::Fail(ErrorKind::Unauthenticated),
        _ => Reply::Team,
    };
    let flapping = |call: &Call| match call.number % 2 {
        0 => Reply::Fail(ErrorKind::Unauthenticated),
        _ => Reply::Broken,
    };
    let five_and_one = |call: &Call| match call.number % 6 {
        0 => Reply::Fail(ErrorKind::Unauthenticated),
        _ => Reply::Unavailable,
    };
    type Script = fn(&Call) -> Reply;
    type Asking = fn(&Lab, usize) -> flowmatix_graphql::model::Grant;
    let scripts: [Script; 3] = [failing_18_times, flapping, five_and_one];
    let askings: [Asking; 2] = [held, token];
    for (n, script) in scripts.into_iter().enumerate() {
        for grant in askings {
            let lab = Lab::new(6, &[("budget.calls_per_hour", "20"), ("upstream.breaker", "false")], script);
            for question in 0..400 {
                let _ = lab.rosters.get(&grant(&lab, question), None).await;
                sleep(Duration::from_millis(500)).await;
            }
            assert!(lab.fullest_hour() <= 19, "script {n}: {}", lab.fullest_hour());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_new_tokens_spends_one_plan_at_most_and_leaves_accepted_ones_theirs() {
    let good = |call: &Call| call.token == "token-0";
    let lab = Lab::new(7, &[("budget.calls_per_hour", "100")], move |call| {
        if good(call) { Reply::Team } else { Reply::Fail(ErrorKind::Unauthenticated) }
    });
    lab.rosters.get(&lab.grant_by_token(0, 0), None).await.unwrap();
    for n in 0..1000_u32 {
        let id = IdentityHash(std::array::from_fn(|byte| if byte < 4 { n.to_le_bytes()[byte] } else { 1 }));
        let credential = Arc::new(Credential::new(CredentialId::Forwarded(id), format!("guess-{n}").into()));
        assert!(lab.rosters.get(&lab.grant_with(credential, CallerId::Token(id), 0), None).await.is_err());
    }
    assert!(lab.calls().iter().filter(|call| !good(call)).count() <= 95);
    for n in 1..90 {
        lab.rosters.get(&lab.grant_by_token(0, n), None).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_serves_the_old_roster_where_there_is_one() {
    let lab =
        Lab::new(8, &[("roster.fresh_for", "1s")], |call| if call.number == 2 { Reply::Panic } else { Reply::Team });
    lab.rosters.get(&lab.grant(0), None).await.unwrap();
    sleep(2 * SECOND).await;
    let found = lab.rosters.get(&lab.grant(0), None).await.unwrap();
    assert_eq!((found.stale, found.calls), (true, 1));
    sleep(SECOND).await;
    assert!(!lab.rosters.get(&lab.grant(0), None).await.unwrap().stale);
}
