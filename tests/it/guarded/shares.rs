//! Fair shares of a plan among the callers of one credential.

use std::time::Duration;

use flowmatix_graphql::model::ErrorKind;
use tokio::time::sleep;

use super::lab::{Lab, Reply, key};

#[tokio::test(start_paused = true)]
async fn one_noisy_caller_cannot_spend_it_all() {
    let lab = Lab::new(1, &[("budget.calls_per_hour", "1000")], |_| Reply::Team);
    let mut noisy = 0;
    for n in 0..1000 {
        noisy += usize::from(lab.rosters.get(&lab.grant_of(key("noisy"), n), None).await.is_ok());
    }
    // Four fifths of what the others have not spent.
    assert_eq!(noisy, 760);
    let mut quiet = 0;
    for n in 1000..2000 {
        quiet += usize::from(lab.rosters.get(&lab.grant_of(key("quiet"), n), None).await.is_ok());
    }
    assert_eq!(quiet, 152);
    assert!(lab.rosters.get(&lab.grant_of(key("third"), 3000), None).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn those_who_ask_equally_get_equally() {
    let lab = Lab::new(2, &[("budget.calls_per_hour", "1000")], |_| Reply::Team);
    let mut spent = [0_usize; 3];
    for n in 0..3000 {
        let who = n % 3;
        let grant = lab.grant_of(key(["a", "b", "c"][who]), n);
        spent[who] += usize::from(lab.rosters.get(&grant, None).await.is_ok());
    }
    assert!(spent.iter().all(|one| one.abs_diff(spent[0]) <= 1) && spent[0] > 280, "{spent:?}");
}

#[tokio::test(start_paused = true)]
async fn who_has_spent_a_share_is_told_when_some_of_it_comes_back() {
    let lab = Lab::new(3, &[("budget.calls_per_hour", "100")], |_| Reply::Team);
    let ask = |n| lab.grant_of(key("a"), n);
    for n in 0..76 {
        lab.rosters.get(&ask(n), None).await.unwrap();
        sleep(Duration::from_secs(10)).await;
    }
    let share = lab.rosters.share(ask(0).caller()).unwrap();
    assert_eq!((share.limit, share.remaining), (76, 0));
    let failed = lab.rosters.get(&ask(99), None).await.unwrap_err();
    assert!(matches!(failed.error.kind(), ErrorKind::RateLimited(_)));
    // The first call was made 760 s ago.
    let after = failed.error.retry_after().unwrap();
    assert!(after.abs_diff(Duration::from_secs(2840)) < Duration::from_secs(3), "{after:?}");
}
