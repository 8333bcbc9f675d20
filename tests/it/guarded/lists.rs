//! Paged lists: their age, deadlines and reservations, and requests for a younger roster.

use std::time::Duration;

use flowmatix_graphql::model::ErrorKind;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::lab::{Lab, Reply};

const SECOND: Duration = Duration::from_secs(1);
const PAGED: (&str, &str) = ("upstream.paged", "true");

/// A list of so many pages of two rows.
fn pages(count: u32) -> impl Fn(&super::lab::Call) -> Reply + Send + Sync + 'static {
    move |call| Reply::Rows(if call.page == Some(count) { 1 } else { 2 }, 2 * count - 1)
}

#[tokio::test(start_paused = true)]
async fn age_counts_from_the_start_of_the_first_call() {
    let settings = [PAGED, ("roster.fresh_for", "3s"), ("http.timeout", "60s")];
    let lab = Lab::with_latency(1, &settings, |_| Duration::from_millis(400), pages(25));
    let found = lab.rosters.get(&lab.grant(0), None).await.unwrap();
    assert_eq!((found.age, found.stale, found.fresh_for, found.calls), (10 * SECOND, true, Duration::ZERO, 25));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_takes_longer_than_a_request_is_one_accounts_timeout_and_there_for_the_next_question() {
    let lab = Lab::with_latency(2, &[PAGED], |_| Duration::from_millis(400), pages(25));
    let started = Instant::now();
    let failed = lab.rosters.get(&lab.grant(0), None).await.unwrap_err();
    assert_eq!(failed.error.kind(), ErrorKind::Timeout);
    assert!(started.elapsed() < 5 * SECOND, "{:?}", started.elapsed());
    // The calls that were made by then, not those of the whole list.
    assert!((10..=13).contains(&failed.calls), "{}", failed.calls);
    sleep(6 * SECOND).await;
    assert_eq!(lab.rosters.get(&lab.grant(0), None).await.unwrap().calls, 0);
    assert_eq!(lab.calls().len(), 25);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_began_before_the_question_does_not_satisfy_it() {
    let lab = Lab::with_latency(3, &[], |_| SECOND, |_| Reply::Team);
    let grant = lab.grant(0);
    let first = lab.rosters.get(&grant, None);
    let second = async {
        sleep(Duration::from_millis(500)).await;
        let asked = Instant::now();
        let found = lab.rosters.get(&grant, Some(Duration::ZERO)).await.unwrap();
        assert!(found.age <= asked.elapsed(), "{:?} after {:?}", found.age, asked.elapsed());
        assert_eq!(found.calls, 1);
    };
    let (first, ()) = tokio::join!(first, second);
    first.unwrap();
    assert_eq!(lab.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn loads_wait_for_reservations_that_others_give_back_without_spinning() {
    // Each account is known to take up to ten pages, and now takes one: the plan is enough for all of them, one after the other.
    let settings = [PAGED, ("budget.calls_per_hour", "12"), ("budget.utilization", "1"), ("roster.store", "false")];
    let lab = Lab::new(4, &settings, |_| Reply::Rows(1, 1));
    let grants: Vec<_> = (0..10).map(|n| lab.grant(n)).collect();
    let answers = join_all(grants.iter().map(|grant| lab.rosters.get(grant, None))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(lab.calls().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_the_plan_cannot_finish_says_when_it_can_and_is_not_begun_again_before() {
    let lab = Lab::new(5, &[PAGED, ("budget.calls_per_hour", "10")], pages(6));
    lab.rosters.get(&lab.grant(0), None).await.unwrap();
    // Three calls are left of nine. The first page says that six are needed.
    let failed = lab.rosters.get(&lab.grant(1), None).await.unwrap_err();
    assert!(matches!(failed.error.kind(), ErrorKind::RateLimited(_)));
    assert_eq!(lab.calls().len(), 7);
    let after = failed.error.retry_after().unwrap();
    assert!(after > 3500 * SECOND && after <= 3600 * SECOND, "{after:?}");
    // Now that the length is known, it is not begun in vain.
    for _ in 0..10 {
        assert!(lab.rosters.get(&lab.grant(1), None).await.is_err());
    }
    assert_eq!(lab.calls().len(), 7);
    sleep(after + SECOND).await;
    assert_eq!(lab.rosters.get(&lab.grant(1), None).await.unwrap().calls, 6);
}
