//! Turns: where there are several callers, one with several requests for a worker at once has them worked on in turn, the oldest
//! first and so few at a time that a worker is left to the others. Each lets what is ready run before it.
//!
//! The workers take tasks as they come: without turns, a request waits until everything has been worked on that another caller
//! has sent before. A request waits in its own task, so that its deadline or its client's departure ends the wait. The handshakes
//! of TLS, each of which takes a worker as long as many requests do, are worked on in the same way.

use std::collections::HashMap;
use std::future::poll_fn;
use std::mem::take;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ahash::RandomState;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

use super::caller_key::CallerKey;
use crate::model::Clock;

/// So many of a caller's requests are worked on as they come, until a worker has looked at its sockets again.
const FEW: usize = 4;
/// For how long a request waits for its turn. A request that has it may be one of a WebSocket that does nothing else while
/// its client takes no answer.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// A caller is alone, and takes no turns, when no other has asked for so long.
const ALONE_AFTER: Duration = Duration::from_secs(10);
/// How many callers are remembered before those are forgotten that have no requests under way.
const CALLERS_LIMIT: usize = 4096;

pub(in crate::http) struct Turns {
    /// How many of one caller's requests are worked on at a time.
    width: usize,
    /// For how long one waits for its turn.
    longest_wait: Duration,
    /// When a caller counts as alone; `None`: never.
    alone_after: Option<Duration>,
    callers: Mutex<KnownCallers>,
}

#[derive(Default)]
struct KnownCallers {
    known: HashMap<CallerKey, Arc<CallerTurns>, RandomState>,
    /// The caller that asked last, by its address, and when.
    last: Option<(usize, Instant)>,
    /// When another than that asked last.
    other: Option<Instant>,
}

struct CallerTurns {
    /// How many steps were begun since a worker has last looked at its sockets.
    begun: AtomicUsize,
    turns: Semaphore,
}

/// A worker has looked at its sockets: what was ready before has been worked on.
impl Wake for CallerTurns {
    fn wake(self: Arc<Self>) {
        self.begun.store(0, Ordering::Relaxed);
    }
}

impl Turns {
    /// Those of requests: as many at a time as there are workers but one.
    pub(super) fn of_requests() -> Self {
        Self::new(width(), LONGEST_WAIT, Some(ALONE_AFTER))
    }

    /// Those of handshakes, which wait beside requests of callers that make none. Each has a deadline of its own.
    pub(super) fn of_handshakes() -> Self {
        Self::new(width(), Duration::MAX, None)
    }

    fn new(width: usize, longest_wait: Duration, alone_after: Option<Duration>) -> Self {
        Self { width, longest_wait, alone_after, callers: Mutex::default() }
    }

    /// Does this work of a caller's request, in turn where the caller has more of it. While the work waits for something
    /// else, it has no turn.
    pub(in crate::http) async fn take<T>(&self, key: &CallerKey, mut work: Pin<&mut impl Future<Output = T>>) -> T {
        let Some(caller) = self.caller(key) else { return work.await };
        loop {
            let waits = caller.begin(self.width);
            let turn = if waits {
                // They are never closed.
                let turn = timeout(self.longest_wait, caller.turns.acquire()).await.ok().and_then(Result::ok);
                step_aside().await;
                turn
            } else {
                None
            };
            let step = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
            drop(turn);
            match step {
                Poll::Ready(result) => return result,
                Poll::Pending => woken().await,
            }
        }
    }

    /// The turns of this caller; `None` where it is alone.
    fn caller(&self, key: &CallerKey) -> Option<Arc<CallerTurns>> {
        let mut callers = self.callers.lock();
        let caller = callers.get(key, self.width);
        let (now, address) = (Clock::instant(), Arc::as_ptr(&caller).addr());
        if let Some((last, asked)) = callers.last.replace((address, now))
            && last != address
        {
            callers.other = Some(asked);
        }
        let is_alone = self.alone_after.is_some_and(|alone_after| {
            callers.other.is_none_or(|asked| now.saturating_duration_since(asked) > alone_after)
        });
        (!is_alone).then_some(caller)
    }
}

fn width() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1)
}

impl KnownCallers {
    fn get(&mut self, key: &CallerKey, width: usize) -> Arc<CallerTurns> {
        if let Some(caller) = self.known.get(key) {
            return caller.clone();
        }
        if self.known.len() >= CALLERS_LIMIT {
            self.known.retain(|_, caller| Arc::strong_count(caller) > 1);
        }
        let caller = Arc::new(CallerTurns { begun: AtomicUsize::new(0), turns: Semaphore::new(width) });
        // Those that are left have requests under way, of which there are so many at most.
        self.known.insert(key.clone(), caller.clone());
        caller
    }
}

impl CallerTurns {
    /// Counts a step that is to begin, and tells whether it has to wait for its turn.
    fn begin(self: &Arc<Self>, width: usize) -> bool {
        // Requests that wait already are first.
        if self.turns.available_permits() < width {
            return true;
        }
        let before = self.begun.fetch_add(1, Ordering::Relaxed);
        if before == 0 {
            // Whatever yields is woken when the worker has looked at its sockets again.
            let waker = Waker::from(self.clone());
            let _ = pin!(yield_now()).poll(&mut Context::from_waker(&waker));
        }
        before >= FEW
    }
}

/// Lets the runtime look at its sockets, and run what is ready, first: also where the task is polled before that, for another
/// reason.
async fn step_aside() {
    let mut aside: Option<Arc<SteppedAside>> = None;
    poll_fn(|context| match &aside {
        Some(aside) if aside.is_over.load(Ordering::Acquire) => Poll::Ready(()),
        Some(aside) if aside.task.will_wake(context.waker()) => Poll::Pending,
        _ => {
            let begun = Arc::new(SteppedAside { is_over: AtomicBool::new(false), task: context.waker().clone() });
            let _ = pin!(yield_now()).poll(&mut Context::from_waker(&begun.clone().into()));
            aside = Some(begun);
            Poll::Pending
        }
    })
    .await;
}

/// A task that the runtime comes back to.
struct SteppedAside {
    is_over: AtomicBool,
    task: Waker,
}

impl Wake for SteppedAside {
    fn wake(self: Arc<Self>) {
        self.is_over.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

/// Waits until the task is woken, by what its work waits for.
async fn woken() {
    let mut is_first = true;
    poll_fn(|_| if take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }).await;
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    /// A caller that has had its few requests, beside another, of a service that works on one of its requests at a time.
    fn busy() -> (Turns, CallerKey) {
        let (turns, key) = (Turns::new(1, LONGEST_WAIT, Some(ALONE_AFTER)), CallerKey::of_address(None));
        assert!(turns.caller(&CallerKey::of_address(Some([127, 0, 0, 1].into()))).is_none());
        turns.caller(&key).unwrap().begun.store(FEW, Ordering::Relaxed);
        (turns, key)
    }

    async fn take(turns: &Turns, key: &CallerKey, work: impl Future<Output = ()>) {
        turns.take(key, pin!(work)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_is_alone_takes_no_turns() {
        let (turns, key) = busy();
        tokio::time::advance(ALONE_AFTER).await;
        assert!(turns.caller(&key).is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(turns.caller(&key).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_given_up_passes_its_turn_on() {
        let ((turns, key), started) = (busy(), Clock::instant());
        let mut first = Box::pin(take(&turns, &key, pending()));
        assert!(futures_util::poll!(&mut first).is_pending());
        let mut second = Box::pin(take(&turns, &key, async {}));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        second.await;
        assert_eq!(Clock::instant(), started);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_for_something_else_has_no_turn() {
        let ((turns, key), started) = (busy(), Clock::instant());
        let mut first = Box::pin(take(&turns, &key, pending()));
        // It has the turn, lets others run, and waits.
        for _ in 0..2 {
            assert!(futures_util::poll!(&mut first).is_pending());
            yield_now().await;
        }
        take(&turns, &key, async {}).await;
        assert_eq!(Clock::instant(), started);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_polled_for_another_reason_lets_others_run_first_nevertheless() {
        let (turns, key) = busy();
        let mut first = Box::pin(take(&turns, &key, async {}));
        for _ in 0..3 {
            assert!(futures_util::poll!(&mut first).is_pending());
        }
        yield_now().await;
        assert!(futures_util::poll!(&mut first).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_whose_task_does_nothing_keeps_the_others_for_a_while_only() {
        let ((turns, key), started) = (busy(), Clock::instant());
        let mut first = Box::pin(take(&turns, &key, pending()));
        assert!(futures_util::poll!(&mut first).is_pending());
        take(&turns, &key, async {}).await;
        assert_eq!(Clock::instant(), started + LONGEST_WAIT);
    }
}
