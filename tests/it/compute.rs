//! The compute pool: callers take turns, the queue is bounded, and work stops when its request is gone.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowmatix_graphql::compute::{Assistance, ComputeError, ComputePool, Hold, Lane, Ticket};
use flowmatix_graphql::demo::{AGENCY_TOKEN, Demo};
use flowmatix_graphql::model::Cancellation;
use futures_util::FutureExt;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::support::service;
use crate::support::{account, demo_settings};

fn ticket(caller: &str) -> Ticket {
    Ticket::new(Lane::of(&caller), Cancellation::without_deadline(), None)
}

/// A pool in which these callers have a request with long work under way, as long as the tickets are kept: what else they have
/// waits in one queue, and gives way.
async fn busy(width: usize, limit: usize, callers: &[&str]) -> (ComputePool, Vec<Ticket>) {
    let pool = ComputePool::new(width, limit);
    let tickets: Vec<Ticket> = callers.iter().map(|caller| ticket(caller)).collect();
    for ticket in &tickets {
        pool.run(ticket, |_| ()).await.unwrap();
    }
    (pool, tickets)
}

/// A job that says when it begins, and runs until it is let go.
struct Gate {
    begun: tokio::sync::oneshot::Receiver<()>,
    release: Sender<()>,
    ended: JoinHandle<Result<(), ComputeError>>,
}

fn occupy(pool: &ComputePool, ticket: Ticket) -> Gate {
    let (release, released) = mpsc::channel::<()>();
    let (begin, begun) = tokio::sync::oneshot::channel();
    let pool = pool.clone();
    let ended = tokio::spawn(async move {
        pool.run(&ticket, move |_| {
            let _ = begin.send(());
            let _ = released.recv();
        })
        .await
    });
    Gate { begun, release, ended }
}

impl Gate {
    async fn begun(&mut self) {
        (&mut self.begun).await.unwrap();
    }
}

#[tokio::test]
async fn callers_take_turns_however_many_jobs_one_of_them_has() {
    let (pool, _under_way) = busy(1, 100, &["first", "noisy", "quiet"]).await;
    let mut gate = occupy(&pool, ticket("first"));
    gate.begun().await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut jobs = Vec::new();
    for (caller, count) in [("noisy", 20), ("quiet", 2)] {
        for _ in 0..count {
            let (pool, order, ticket) = (pool.clone(), order.clone(), ticket(caller));
            jobs.push(tokio::spawn(
                async move { pool.run(&ticket, move |_| order.lock().unwrap().push(caller)).await },
            ));
            // Let it take its place before the next.
            tokio::task::yield_now().await;
        }
    }
    while pool.waiting() < 22 {
        tokio::task::yield_now().await;
    }
    gate.release.send(()).unwrap();
    for job in jobs {
        job.await.unwrap().unwrap();
    }
    let order = order.lock().unwrap().clone();
    assert_eq!(&order[..5], ["noisy", "quiet", "noisy", "quiet", "noisy"], "{order:?}");
    gate.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_queue_takes_so_many_jobs_and_of_one_caller_as_many_as_it_leaves_free() {
    let (pool, _under_way) = busy(1, 4, &["first", "a", "b", "c", "d"]).await;
    let mut gate = occupy(&pool, ticket("first"));
    gate.begun().await;
    let submit = |caller: &str| pool.clone().run_static(ticket(caller));
    let mut waiting = Vec::new();
    for (caller, refused) in [("a", None), ("a", Some("a")), ("b", Some("b")), ("c", Some("d"))] {
        waiting.push(submit(caller));
        while pool.waiting() < waiting.len() {
            tokio::task::yield_now().await;
        }
        if let Some(refused) = refused {
            assert_eq!(submit(refused).await.unwrap(), Err(ComputeError::Full), "{refused}");
        }
    }
    waiting.pop().unwrap().abort();
    gate.release.send(()).unwrap();
    for job in waiting {
        job.await.unwrap().unwrap();
    }
    gate.ended.await.unwrap().unwrap();

    let mut gate = occupy(&pool, ticket("first"));
    gate.begun().await;
    let waiting = [submit("a"), submit("a")];
    while pool.waiting() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(submit("a").await.unwrap(), Err(ComputeError::Full), "of one caller");
    let other = submit("b");
    gate.release.send(()).unwrap();
    for job in waiting.into_iter().chain([other]) {
        job.await.unwrap().unwrap();
    }
    gate.ended.await.unwrap().unwrap();
}

trait RunStatic {
    fn run_static(self, ticket: Ticket) -> JoinHandle<Result<(), ComputeError>>;
}

impl RunStatic for ComputePool {
    fn run_static(self, ticket: Ticket) -> JoinHandle<Result<(), ComputeError>> {
        tokio::spawn(async move { self.run(&ticket, |_| ()).await })
    }
}

/// Works through rows until it is told to stop, and says how many there were after that.
fn endless(cancellation: &Cancellation, begun: &Sender<()>, after: &AtomicUsize) {
    let mut rows = cancellation.rows();
    let _ = begun.send(());
    while rows.next_row().is_ok() {
        if cancellation.check().is_err() {
            after.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn received(receiver: Receiver<()>) {
    tokio::task::spawn_blocking(move || receiver.recv().unwrap()).await.unwrap();
}

#[tokio::test]
async fn work_stops_within_a_thousand_rows_when_its_request_is_dropped() {
    let pool = ComputePool::new(1, 10);
    let hold: Hold = Arc::new(());
    let held = Arc::downgrade(&hold);
    let own = Ticket::new(Lane::of(&"a"), Cancellation::without_deadline(), Some(hold));
    let (begin, begun) = mpsc::channel();
    let after = Arc::new(AtomicUsize::new(0));
    let request = tokio::spawn({
        let (pool, after) = (pool.clone(), after.clone());
        async move { pool.run(&own, move |cancellation| endless(cancellation, &begin, &after)).await }
    });
    received(begun).await;
    assert!(held.upgrade().is_some());
    request.abort();
    // The thread is free again, which it is not before the work has ended.
    pool.clone().run_static(ticket("b")).await.unwrap().unwrap();
    assert!(after.load(Ordering::SeqCst) <= 1000, "{after:?}");
    assert!(held.upgrade().is_none(), "what it holds is released");
}

#[tokio::test]
async fn work_stops_at_its_deadline() {
    let pool = ComputePool::new(1, 10);
    let deadline = Instant::now() + Duration::from_millis(20);
    let ticket = Ticket::new(Lane::of(&"a"), Cancellation::at(deadline), None);
    let (begin, _begun) = mpsc::channel();
    let after = AtomicUsize::new(0);
    pool.run(&ticket, move |cancellation| endless(cancellation, &begin, &after)).await.unwrap();
    assert!(Instant::now() >= deadline);
    let late = pool.run(&ticket, |_| ()).await;
    assert_eq!(late, Err(ComputeError::Cancelled), "and none is begun after it");
}

#[tokio::test]
async fn work_that_waits_is_not_begun_when_its_request_is_dropped() {
    let pool = ComputePool::new(1, 10);
    let mut gate = occupy(&pool, ticket("first"));
    gate.begun().await;
    let begun = Arc::new(AtomicUsize::new(0));
    let count = begun.clone();
    let own = ticket("a");
    let mut dropped = Box::pin(pool.run(&own, move |_| count.fetch_add(1, Ordering::SeqCst)));
    assert!((&mut dropped).now_or_never().is_none());
    drop(dropped);
    gate.release.send(()).unwrap();
    pool.run(&ticket("a"), |_| ()).await.unwrap();
    assert_eq!(begun.load(Ordering::SeqCst), 0);
    gate.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_work_holds_is_kept_until_it_has_really_ended() {
    let pool = ComputePool::new(1, 10);
    let hold: Hold = Arc::new(());
    let held = Arc::downgrade(&hold);
    let mut gate = occupy(&pool, Ticket::new(Lane::of(&"a"), Cancellation::without_deadline(), Some(hold)));
    gate.begun().await;
    gate.ended.abort();
    let _ = gate.ended.await;
    // The request is gone, and a job that does not look goes on.
    assert!(held.upgrade().is_some());
    gate.release.send(()).unwrap();
    pool.run(&ticket("b"), |_| ()).await.unwrap();
    assert!(held.upgrade().is_none());
}

#[tokio::test]
async fn a_future_that_waits_takes_no_thread_and_goes_on_when_it_is_woken() {
    let pool = ComputePool::new(1, 10);
    let notify = Arc::new(Notify::new());
    let waiting = tokio::spawn({
        let (pool, notify) = (pool.clone(), notify.clone());
        async move {
            let future = async move {
                let before = std::thread::current().id();
                notify.notified().await;
                // Timers work there, too.
                tokio::time::sleep(Duration::from_millis(1)).await;
                (before, std::thread::current().id())
            };
            pool.drive(&ticket("a"), future.boxed()).await
        }
    });
    for _ in 0..100 {
        pool.run(&ticket("b"), |_| ()).await.unwrap();
    }
    notify.notify_one();
    let (before, after) = waiting.await.unwrap().unwrap();
    let runtimes = std::thread::current().id();
    assert!(before != runtimes && after != runtimes, "not on the runtime's worker");
}

#[tokio::test]
async fn a_future_that_waits_is_dropped_with_its_request() {
    let pool = ComputePool::new(1, 10);
    let hold: Hold = Arc::new(());
    let held = Arc::downgrade(&hold);
    let own = Ticket::new(Lane::of(&"a"), Cancellation::without_deadline(), Some(hold));
    let kept = Arc::new(());
    let seen = Arc::downgrade(&kept);
    let request = tokio::spawn({
        let pool = pool.clone();
        async move {
            let future = async move {
                let _kept = kept;
                pending::<()>().await;
            };
            pool.drive(&own, future.boxed()).await
        }
    });
    // It has been polled once when a job behind it has run.
    tokio::task::yield_now().await;
    pool.clone().run_static(ticket("a")).await.unwrap().unwrap();
    assert!(seen.upgrade().is_some());
    request.abort();
    let _ = request.await;
    while seen.upgrade().is_some() || held.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_panic_is_an_error_of_its_own_request_only() {
    let pool = ComputePool::new(1, 10);
    let boom = |_: &Cancellation| -> () { panic!("as planned") };
    assert_eq!(pool.run(&ticket("a"), boom).await, Err(ComputeError::Panicked));
    let boom = async { panic!("as planned") };
    assert_eq!(pool.drive::<()>(&ticket("a"), boom.boxed()).await, Err(ComputeError::Panicked));
    assert_eq!(pool.run(&ticket("a"), |_| 7).await, Ok(7));
}

/// The nice value of the thread that asks.
#[cfg(target_os = "linux")]
fn nice() -> i32 {
    nice_of(&std::fs::read_to_string("/proc/thread-self/stat").unwrap())
}

/// The nice value in what the system tells of a thread.
#[cfg(target_os = "linux")]
fn nice_of(text: &str) -> i32 {
    // What is in brackets, the thread's name, may have spaces; the first field after it is the third.
    let rest = &text[text.rfind(')').unwrap() + 1..];
    rest.split_whitespace().nth(19 - 3).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_caller_has_besides_another_request_gives_way() {
    let own = tokio::spawn(async { nice() }).await.unwrap();
    assert!(own < 19);
    let (pool, under_way) = busy(2, 10, &["one"]).await;
    for _ in 0..4 {
        assert_eq!(pool.run(&ticket("one"), |_| nice()).await.unwrap(), 19);
        // That which was the first, another caller's, and what many wait for.
        assert_eq!(pool.run(&under_way[0], |_| nice()).await.unwrap(), own);
        assert_eq!(pool.run(&ticket("other"), |_| nice()).await.unwrap(), own);
        assert_eq!(pool.run(&Ticket::shared(Lane::of(&"one")), |_| nice()).await.unwrap(), own);
    }
    drop(under_way);
    assert_eq!(pool.run(&ticket("one"), |_| nice()).await.unwrap(), own);
    assert_eq!(tokio::spawn(async { nice() }).await.unwrap(), own);
    assert_eq!(tokio::task::spawn_blocking(nice).await.unwrap(), own);
}

#[tokio::test]
async fn work_knows_the_runtime_that_it_came_from() {
    let pool = ComputePool::new(1, 10);
    let (told, heard) = tokio::sync::oneshot::channel();
    let work = move |_: &Cancellation| {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            told.send(()).unwrap();
        });
    };
    pool.run(&ticket("one"), work).await.unwrap();
    heard.await.unwrap();
}

#[tokio::test]
async fn as_many_jobs_run_at_once_as_the_pool_is_wide() {
    let (pool, _under_way) = busy(3, 10, &["one"]).await;
    assert_eq!(pool.under_way(), 0);
    let mut gates: Vec<Gate> = (0..4).map(|_| occupy(&pool, ticket("one"))).collect();
    for gate in &mut gates[..3] {
        gate.begun().await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(gates[3].begun.try_recv().is_err());
    gates[0].release.send(()).unwrap();
    gates[3].begun().await;
    for gate in gates {
        assert_ne!(pool.under_way(), 0);
        let _ = gate.release.send(());
        gate.ended.await.unwrap().unwrap();
    }
    assert_eq!(pool.under_way(), 0);
}

/// Long requests make calls, for which a name is looked up: the thread that the runtime starts for that is as all others.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn long_requests_leave_no_slow_threads_behind() {
    let demo = Demo::start(&demo_settings()).unwrap();
    let settings = [
        "auth.mode=passthrough".to_owned(),
        format!("upstream.url={}", demo.url().replace("127.0.0.1", "localhost")),
        "upstream.allow_http=true".to_owned(),
        "upstream.timeout=40s".to_owned(),
        "upstream.attempt_timeout=30s".to_owned(),
        "http.timeout=50s".to_owned(),
    ];
    let service = tokio::task::spawn_blocking(move || service::start("serve", &settings, &[])).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |place: usize| {
        let query = format!("{}{{ teamMembers({}) {{ totalCount }} }}", "# long\n".repeat(1500), account(place));
        let request = client.post(service.url("/graphql")).header("content-type", "application/json");
        let request = request.bearer_auth(AGENCY_TOKEN).body(json!({ "query": query }).to_string());
        tokio::spawn(async move { request.send().await.unwrap().text().await.unwrap() })
    };
    // So that the token is known, and no other request waits for whether it is good.
    ask(0).await.unwrap();
    let gate = demo.hold();
    let first = ask(1);
    demo.arrived(2).await;
    // Threads that were needed until now end when they have had nothing to do for ten seconds.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let second = ask(2);
    demo.arrived(3).await;
    let mut seen = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{}/task", service.id())).unwrap() {
        let read = |name| std::fs::read_to_string(thread.as_ref().unwrap().path().join(name)).unwrap();
        seen.push((read("comm").trim().to_owned(), nice_of(&read("stat"))));
    }
    gate.send(true).unwrap();
    for (answer, count) in [(first, "1"), (second, "250")] {
        let answer = answer.await.unwrap();
        assert!(answer.contains(&format!("\"totalCount\":{count}}}")), "{answer}");
    }
    assert!(seen.contains(&("compute".to_owned(), 19)), "{seen:?}");
    assert!(seen.iter().all(|(name, nice)| name == "compute" || *nice < 19), "{seen:?}");
}

/// What an idle thread makes of a part of a job, once one is quick enough.
async fn assisted<T: Send + 'static>(pool: &ComputePool, work: fn() -> T) -> T {
    loop {
        let part = pool.assist(Lane::of(&"one"), work);
        // A job has something to do meanwhile.
        tokio::time::sleep(Duration::from_millis(10)).await;
        if let Some(result) = part.and_then(Assistance::join) {
            return result;
        }
    }
}

#[tokio::test]
async fn an_idle_thread_does_a_part_of_a_job() {
    let pool = ComputePool::new(1, 10);
    let there = assisted(&pool, std::thread::current).await;
    assert_ne!(there.id(), std::thread::current().id());
    // A part that panics brings nothing, and its thread is there for the next.
    let part: Option<Assistance<()>> = pool.assist(Lane::of(&"one"), || panic!("on purpose"));
    assert!(part.and_then(Assistance::join).is_none());
    assert_eq!(assisted(&pool, || 7).await, 7);
}

#[tokio::test]
async fn turns_of_connections_are_counted_while_there_is_long_work() {
    let pool = ComputePool::new(1, 10);
    pool.tell_turn();
    assert_eq!(pool.turns(), 0);
    let gate = occupy(&pool, ticket("one"));
    while pool.under_way() == 0 {
        tokio::task::yield_now().await;
    }
    pool.tell_turn();
    assert_eq!(pool.turns(), 1);
    gate.release.send(()).unwrap();
    gate.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_pool_is_quiet_some_time_after_its_last_work() {
    let pool = ComputePool::new(1, 10);
    while !pool.is_quiet() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let gate = occupy(&pool, ticket("one"));
    while pool.under_way() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!pool.is_quiet());
    gate.release.send(()).unwrap();
    gate.ended.await.unwrap().unwrap();
    let ended = std::time::Instant::now();
    while !pool.is_quiet() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(ended.elapsed() >= Duration::from_millis(40), "{:?}", ended.elapsed());
}

#[tokio::test]
async fn a_job_does_itself_what_no_thread_does_for_it() {
    let lane = Lane::of(&"one");
    // With more jobs than the pool is wide there is no core beside the one that others need.
    for width in 0..2 {
        let pool = ComputePool::new(width, 10);
        let gates: Vec<Gate> = (0..=width).map(|_| occupy(&pool, ticket("one"))).collect();
        while pool.under_way() <= width {
            tokio::task::yield_now().await;
        }
        assert!(pool.assist(lane, || ()).is_none());
        for gate in gates {
            gate.release.send(()).unwrap();
            gate.ended.await.unwrap().unwrap();
        }
    }

    let pool = ComputePool::new(1, 10);
    let (release, released) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel::<()>();
    let slow = move || {
        begin.send(()).unwrap();
        let _ = released.recv();
    };
    let slow = pool.assist(lane, slow).unwrap();
    begun.recv().unwrap();
    assert!(pool.assist(lane, || ()).is_none(), "all threads are busy");
    let asked = std::time::Instant::now();
    assert!(slow.join().is_none(), "it takes too long");
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    release.send(()).unwrap();
}
