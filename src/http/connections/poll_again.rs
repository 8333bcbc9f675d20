//! PollAgain: a task that wakes itself while it runs goes on at once.
//!
//! The HTTP library wakes a connection's own task when the service takes a request's body, although the task is running then. The
//! runtime would put such a task behind all others, and wake a second worker to take it: for each request with a body, a change
//! of processors.
//!
//! Not while there is long work, or shortly after: parts of it are done by the workers, and the second one is at the sockets then.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// So often is a future polled at a time. What yields on purpose is woken later, and is not polled again here.
const TIMES: usize = 2;

/// A future that is polled once more where it was woken while it was polled.
pub(super) struct PollAgain<F, A> {
    future: F,
    /// Whether it may go on now.
    again: A,
    /// What wakes it, and where that tells. Made anew where another task polls it.
    own: Option<(Arc<OwnWaker>, Waker)>,
}

/// Wakes a task, or tells it that it was woken while it runs.
struct OwnWaker {
    state: AtomicU8,
    task: Waker,
}

/// The states of a future: it waits, is polled, or was woken meanwhile.
const WAITS: u8 = 0;
const POLLED: u8 = 1;
const WOKEN: u8 = 2;

impl OwnWaker {
    fn begin(&self) {
        self.state.store(POLLED, Ordering::Release);
    }

    /// Whether it was not woken since then, so that it waits.
    fn end(&self) -> bool {
        self.state.swap(WAITS, Ordering::AcqRel) == POLLED
    }
}

impl Wake for OwnWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let told =
            self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| (state != WAITS).then_some(WOKEN));
        if told.is_err() {
            self.task.wake_by_ref();
        }
    }
}

impl<F, A> PollAgain<F, A> {
    pub(super) fn new(future: F, again: A) -> Self {
        Self { future, again, own: None }
    }
}

impl<F: Future + Unpin, A: Fn() -> bool + Unpin> Future for PollAgain<F, A> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, again, own } = &mut *self;
        if own.as_ref().is_some_and(|(own, _)| !own.task.will_wake(cx.waker())) {
            *own = None;
        }
        let (own, waker) = own.get_or_insert_with(|| {
            let own = Arc::new(OwnWaker { state: AtomicU8::new(WAITS), task: cx.waker().clone() });
            (own.clone(), own.into())
        });
        for _ in 0..TIMES {
            own.begin();
            if let Poll::Ready(output) = Pin::new(&mut *future).poll(&mut Context::from_waker(waker)) {
                return Poll::Ready(output);
            }
            if own.end() {
                return Poll::Pending;
            }
            if !again() {
                break;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often a future was polled and its task woken, when it was polled once from outside.
    fn polled(again: bool, mut step: impl FnMut(usize, &Waker) -> Poll<()>) -> (usize, usize) {
        let (wakes, mut polls) = (Arc::new(Wakes::default()), 0);
        let counted = pin!(poll_fn(|cx| {
            polls += 1;
            step(polls, cx.waker())
        }));
        let _ = pin!(PollAgain::new(counted, || again)).poll(&mut Context::from_waker(&wakes.clone().into()));
        (polls, wakes.0.load(Ordering::Relaxed))
    }

    #[test]
    fn what_is_woken_while_it_is_polled_is_polled_once_more_and_its_task_stays() {
        let woken_once = |polls, waker: &Waker| {
            if polls == 1 {
                waker.wake_by_ref();
            }
            Poll::Pending
        };
        assert_eq!(polled(true, woken_once), (2, 0));
        assert_eq!(polled(false, woken_once), (1, 1));
        assert_eq!(polled(true, |_, _| Poll::Pending), (1, 0));
        assert_eq!(polled(true, |_, _| Poll::Ready(())), (1, 0));
    }

    #[test]
    fn what_always_wakes_itself_leaves_the_worker_to_others() {
        let always = |_, waker: &Waker| {
            waker.wake_by_ref();
            Poll::Pending
        };
        assert_eq!(polled(true, always), (TIMES, 1));
    }

    #[test]
    fn what_is_woken_while_it_waits_wakes_its_task() {
        let wakes = Arc::new(Wakes::default());
        let mut kept = None;
        let mut future = PollAgain::new(
            Box::pin(poll_fn(|cx| {
                kept = Some(cx.waker().clone());
                Poll::<()>::Pending
            })),
            || true,
        );
        let _ = Pin::new(&mut future).poll(&mut Context::from_waker(&wakes.clone().into()));
        drop(future);
        let kept = kept.unwrap();
        kept.wake_by_ref();
        kept.wake();
        assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
    }
}
