//! Feeds: one poller for each team that is listened to, within the plan, and events that are complete and in order. On a paused
//! clock, over an endpoint in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flowmatix_graphql::config::LiveConfig;
use flowmatix_graphql::model::{ErrorKind, Invalidation, InvalidationMode, InvalidationScope, LiveTeam};
use flowmatix_graphql::roster::{Feeds, Listener};
use flowmatix_graphql::telemetry::Metrics;
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::lab::{Call, Lab, Reply, key};

const SECOND: Duration = Duration::from_secs(1);

fn feeds(lab: &Lab, settings: LiveConfig) -> Feeds {
    Feeds::new(lab.rosters.clone(), &settings, Arc::<Metrics>::default())
}

/// A generous plan, so that only what a test is about bounds the interval.
const PLENTY: (&str, &str) = ("budget.calls_per_hour", "1000000");

fn every(interval: Duration) -> LiveConfig {
    LiveConfig { interval, interval_floor: SECOND, ..LiveConfig::default() }
}

async fn first(listener: &mut Listener) -> LiveTeam {
    timeout(Duration::from_secs(30), listener.next()).await.expect("an event")
}

/// A team whose rows grow by one with each call.
fn growing() -> impl Fn(&Call) -> Reply + Send + Sync {
    |call| {
        let rows = u32::try_from(call.number).unwrap();
        Reply::Rows(rows, rows)
    }
}

#[tokio::test(start_paused = true)]
async fn any_number_of_listeners_of_a_team_costs_one_poller() {
    let lab = Lab::new(1, &[PLENTY], growing());
    let feeds = feeds(&lab, every(10 * SECOND));
    let mut listeners: Vec<_> = (0..200).map(|_| feeds.listen(&lab.grant(0), None)).collect();
    join_all(listeners.iter_mut().map(first)).await;
    sleep(Duration::from_secs(95)).await;
    // The first reading, and one each ten seconds.
    assert_eq!(lab.calls().len(), 10);
    let last = join_all(listeners.iter_mut().map(first)).await;
    assert!(last.iter().all(|team| team.roster.as_ref().unwrap().len() == 10), "everybody has the newest state");
}

#[tokio::test(start_paused = true)]
async fn polling_stops_with_the_last_listener_and_begins_again_with_the_next() {
    let lab = Lab::new(2, &[PLENTY], growing());
    let feeds = feeds(&lab, every(5 * SECOND));
    let (mut one, mut two) = (feeds.listen(&lab.grant(0), None), feeds.listen(&lab.grant(0), None));
    first(&mut one).await;
    first(&mut two).await;
    drop(one);
    sleep(11 * SECOND).await;
    assert_eq!(lab.calls().len(), 3);
    drop(two);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(lab.calls().len(), 3, "nobody listens");
    let mut three = feeds.listen(&lab.grant(0), None);
    let team = first(&mut three).await;
    assert_eq!((lab.calls().len(), team.roster.unwrap().len()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn the_shortest_interval_that_is_asked_for_counts_but_none_below_the_floor() {
    let lab = Lab::new(3, &[PLENTY], growing());
    let settings = LiveConfig { interval: 30 * SECOND, interval_floor: 4 * SECOND, ..LiveConfig::default() };
    let feeds = feeds(&lab, settings);
    let mut slow = feeds.listen(&lab.grant(0), None);
    assert_eq!(first(&mut slow).await.price.interval, 30 * SECOND);
    let mut fast = feeds.listen(&lab.grant(0), Some(Duration::from_millis(1)));
    first(&mut fast).await;
    sleep(Duration::from_secs(41)).await;
    let team = first(&mut fast).await;
    assert_eq!((team.price.interval, team.price.calls_per_hour()), (4 * SECOND, 900));
    assert_eq!(lab.calls().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_says_the_same_makes_no_new_generation() {
    let lab = Lab::new(4, &[PLENTY], |_| Reply::Team);
    let feeds = feeds(&lab, every(2 * SECOND));
    let mut listener = feeds.listen(&lab.grant(0), None);
    let team = first(&mut listener).await;
    sleep(Duration::from_secs(21)).await;
    assert!(lab.calls().len() >= 10);
    assert!(listener.next().now_or_never().is_none(), "nothing has changed");
    assert!(!team.stale);
}

#[tokio::test(start_paused = true)]
async fn what_another_request_has_read_is_an_event_and_saves_a_poll() {
    let lab = Lab::new(5, &[PLENTY], growing());
    let feeds = feeds(&lab, every(10 * SECOND));
    let mut listener = feeds.listen(&lab.grant(0), None);
    first(&mut listener).await;
    sleep(7 * SECOND).await;
    lab.rosters.get(&lab.grant(0), Some(Duration::ZERO)).await.unwrap();
    let team = listener.next().now_or_never().expect("at once");
    assert_eq!(team.roster.unwrap().len(), 2);
    sleep(5 * SECOND).await;
    assert_eq!(lab.calls().len(), 2, "the next poll is due ten seconds after the newest call");
    sleep(6 * SECOND).await;
    assert_eq!(lab.calls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_one_event_and_its_end_another() {
    let up = Arc::new(AtomicBool::new(true));
    let state = up.clone();
    let lab = Lab::new(6, &[PLENTY, ("roster.fresh_for", "20s")], move |_| {
        if state.load(Ordering::Relaxed) { Reply::Team } else { Reply::Unavailable }
    });
    let feeds = feeds(&lab, every(5 * SECOND));
    let mut listener = feeds.listen(&lab.grant(0), None);
    assert!(!first(&mut listener).await.stale);
    up.store(false, Ordering::Relaxed);
    let team = timeout(Duration::from_secs(40), listener.next()).await.expect("it becomes stale");
    assert!(team.stale && team.roster.is_ok());
    assert!(timeout(Duration::from_secs(120), listener.next()).await.is_err(), "once");
    up.store(true, Ordering::Relaxed);
    let team = timeout(Duration::from_secs(60), listener.next()).await.expect("it is fresh again");
    assert!(!team.stale && team.roster.is_ok());
}

/// What is answered then is exactly as old as the interval, which is neither newer nor a reason to look again at once.
#[tokio::test(start_paused = true)]
async fn a_poll_that_brings_nothing_when_it_is_due_is_tried_again_later() {
    let script = |call: &Call| match call.number {
        1 => Reply::Rows(1, 1),
        2 => Reply::BackAt(90 * SECOND),
        _ => Reply::Rows(2, 2),
    };
    let lab = Lab::with_latency(11, &[PLENTY], |_| Duration::ZERO, script);
    let feeds = feeds(&lab, every(30 * SECOND));
    let mut listener = feeds.listen(&lab.grant(0), None);
    first(&mut listener).await;
    sleep(10 * SECOND).await;
    lab.rosters.get(&lab.grant(1), None).await.unwrap_err();
    sleep(60 * SECOND).await;
    assert_eq!(lab.calls().len(), 2, "the endpoint has asked for a pause");
    sleep(60 * SECOND).await;
    assert_eq!(first(&mut listener).await.roster.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_team_that_cannot_be_read_is_an_event_too_and_comes_when_it_can() {
    let up = Arc::new(AtomicBool::new(false));
    let state = up.clone();
    let lab = Lab::new(7, &[PLENTY], move |_| if state.load(Ordering::Relaxed) { Reply::Team } else { Reply::Broken });
    let feeds = feeds(&lab, every(5 * SECOND));
    let mut listener = feeds.listen(&lab.grant(0), None);
    let team = first(&mut listener).await;
    assert_eq!(team.roster.unwrap_err().kind(), ErrorKind::Unavailable);
    up.store(true, Ordering::Relaxed);
    let team = timeout(Duration::from_secs(90), listener.next()).await.expect("it comes");
    assert!(team.roster.is_ok());
}

#[tokio::test(start_paused = true)]
async fn listened_teams_share_the_part_of_the_plan_that_is_theirs() {
    let lab = Lab::new(8, &[], |_| Reply::Team);
    let feeds = feeds(&lab, every(5 * SECOND));
    let mut listeners: Vec<_> = (0..100).map(|n| feeds.listen(&lab.grant(n), None)).collect();
    let told = join_all(listeners.iter_mut().map(first)).await;
    // 950 calls an hour may be spent, 855 of them on what is known, half of these on pollers: one in 8.4 s, of a hundred teams.
    let interval = told.iter().map(|team| team.price.interval).max().unwrap();
    assert!((interval.as_secs_f64() - 842.0).abs() < 2.0, "{interval:?}");
    sleep(Duration::from_secs(7200)).await;
    let calls = lab.calls();
    assert!(lab.fullest_hour() <= 950, "{}", lab.fullest_hour());
    for n in 0..100 {
        let email = format!("n{n}@a.example");
        let at: Vec<_> = calls.iter().filter(|call| call.email == email).map(|call| call.after).collect();
        let gaps: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(at.len() >= 9, "{email}: {at:?}");
        assert!(gaps.iter().all(|gap| gap.as_secs_f64() < 1.05 * interval.as_secs_f64()), "kept: {gaps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_team_that_needs_less_leaves_the_rest_to_the_others() {
    let lab = Lab::new(9, &[], |_| Reply::Team);
    let feeds = feeds(&lab, every(5 * SECOND));
    let mut modest: Vec<_> = (1..20).map(|n| feeds.listen(&lab.grant(n), Some(Duration::from_secs(3600)))).collect();
    join_all(modest.iter_mut().map(first)).await;
    let mut eager = feeds.listen(&lab.grant(0), None);
    let told = first(&mut eager).await.price.interval;
    // 427.5 calls an hour, less nineteen.
    assert!((told.as_secs_f64() - 3600.0 / 408.5).abs() < 0.2, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_spent_by_others_stops_the_pollers_and_is_never_overrun() {
    let lab = Lab::new(10, &[("budget.calls_per_hour", "100")], growing());
    let feeds = feeds(&lab, every(5 * SECOND));
    let mut listener = feeds.listen(&lab.grant(0), None);
    first(&mut listener).await;
    for n in 1..200 {
        let _ = lab.rosters.get(&lab.grant(n), None).await;
    }
    sleep(Duration::from_secs(3000)).await;
    assert!(lab.fullest_hour() <= 95, "{}", lab.fullest_hour());
    let team = first(&mut listener).await;
    assert!(team.stale, "nothing newer can be read, and that is told");
    sleep(Duration::from_secs(3000)).await;
    let team = first(&mut listener).await;
    assert!(!team.stale, "and polling goes on when there is something to spend");
}

#[tokio::test(start_paused = true)]
async fn who_listens_pays_whoever_came_first() {
    let lab = Lab::new(11, &[PLENTY], growing());
    let feeds = feeds(&lab, every(5 * SECOND));
    let listen = |name: &str| feeds.listen(&lab.grant_of(key(name), 0), None);
    let mut listeners: Vec<_> = ["a", "b", "c", "d"].into_iter().map(listen).collect();
    join_all(listeners.iter_mut().map(first)).await;
    listeners.drain(..3);
    sleep(Duration::from_secs(21)).await;
    assert_eq!(lab.calls().len(), 5, "the first has left, and the last goes on");
}

fn taken_back(mode: InvalidationMode) -> Invalidation {
    Invalidation { scope: InvalidationScope::All, mode }
}

#[tokio::test(start_paused = true)]
async fn what_the_operator_takes_back_is_read_again_at_once_and_then_as_before() {
    for mode in [InvalidationMode::Soft, InvalidationMode::Hard] {
        let lab = Lab::new(12, &[PLENTY], growing());
        let feeds = feeds(&lab, every(60 * SECOND));
        let (mut one, mut two) = (feeds.listen(&lab.grant(0), None), feeds.listen(&lab.grant(1), None));
        first(&mut one).await;
        first(&mut two).await;
        sleep(10 * SECOND).await;
        lab.rosters.apply(&taken_back(mode));
        for listener in [&mut one, &mut two] {
            let team = timeout(SECOND, listener.next()).await.expect("at once");
            assert!(!team.stale && !listener.is_withdrawn(team.read_at()));
        }
        // Both readings are of the very instant of the invalidation, on this clock, and so are made twice.
        let read = lab.calls().len();
        assert!((4..=6).contains(&read), "{read}");
        // The next poll is due an interval after that one.
        sleep(55 * SECOND).await;
        assert_eq!(lab.calls().len(), read);
        sleep(10 * SECOND).await;
        assert_eq!(lab.calls().len(), read + 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_while_it_is_read_is_read_again_soon() {
    let lab = Lab::with_latency(21, &[PLENTY], |_| Duration::from_millis(200), growing());
    let feeds = feeds(&lab, every(600 * SECOND));
    let mut listener = feeds.listen(&lab.grant(0), None);
    first(&mut listener).await;
    sleep(10 * SECOND).await;
    lab.rosters.apply(&taken_back(InvalidationMode::Soft));
    sleep(Duration::from_millis(100)).await;
    assert_eq!(lab.calls().len(), 2, "it is being read");
    lab.rosters.apply(&taken_back(InvalidationMode::Soft));
    sleep(3 * SECOND).await;
    assert_eq!(lab.calls().len(), 3);
    assert_eq!(first(&mut listener).await.roster.unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn taking_back_again_and_again_stays_within_the_plan_and_says_what_is_stale() {
    let lab = Lab::new(13, &[("budget.calls_per_hour", "100")], growing());
    let feeds = feeds(&lab, every(600 * SECOND));
    let mut listener = feeds.listen(&lab.grant(0), None);
    first(&mut listener).await;
    for _ in 0..1000 {
        lab.rosters.apply(&taken_back(InvalidationMode::Soft));
        sleep(3 * SECOND).await;
    }
    assert!(lab.fullest_hour() <= 95, "{}", lab.fullest_hour());
    assert!(lab.calls().len() > 50, "{}", lab.calls().len());
    assert!(first(&mut listener).await.stale, "the plan is spent, and what was taken back is all there is");
}

#[tokio::test(start_paused = true)]
async fn what_is_withdrawn_is_not_shown_to_who_comes_before_it_was_read_again() {
    let silent = Arc::new(AtomicBool::new(false));
    let state = silent.clone();
    let lab =
        Lab::new(14, &[PLENTY], move |_| if state.load(Ordering::Relaxed) { Reply::Silence } else { Reply::Team });
    let feeds = feeds(&lab, every(60 * SECOND));
    let mut early = feeds.listen(&lab.grant(0), None);
    let team = first(&mut early).await;
    silent.store(true, Ordering::Relaxed);
    lab.rosters.apply(&taken_back(InvalidationMode::Hard));
    let late = feeds.listen(&lab.grant(0), None);
    assert!(late.is_withdrawn(team.read_at()));
    let failed = timeout(Duration::from_secs(20), early.next()).await.expect("it is told");
    assert!(failed.roster.is_err() && !late.is_withdrawn(failed.read_at()));
    silent.store(false, Ordering::Relaxed);
    let again = timeout(Duration::from_secs(120), early.next()).await.expect("it is read again");
    assert!(again.roster.is_ok() && !late.is_withdrawn(again.read_at()));
}
