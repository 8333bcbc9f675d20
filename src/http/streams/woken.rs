//! A part of a task that is polled only when it was woken itself.
//!
//! A socket's task wakes for each event. Its timers, its signals and the half that reads have nothing to do then, and to fetch from
//! memory what they are kept in costs more than the event. So they are polled under a waker of their own, which says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Remembers whether a part of a task is to be polled.
pub(super) struct WokenPart {
    flag: Arc<WakeFlag>,
    waker: Waker,
}

struct WakeFlag {
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl Default for WokenPart {
    /// A part that has not been polled yet.
    fn default() -> Self {
        let flag = Arc::new(WakeFlag { woken: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { waker: flag.clone().into(), flag }
    }
}

impl WokenPart {
    /// Has it polled the next time, because what it waits for has changed.
    pub(super) fn look_again(&self) {
        self.flag.woken.store(true, Ordering::Release);
    }

    /// Polls it where it was woken since it was pending. One that was ready is polled again.
    pub(super) fn poll<T>(&self, context: &Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        // Before the flag is read: who wakes it after that wakes the task.
        self.flag.task.register(context.waker());
        if !self.flag.woken.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let polled = poll(&mut Context::from_waker(&self.waker));
        if polled.is_ready() {
            self.look_again();
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn a_part_is_polled_at_first_and_then_only_when_it_was_woken_or_was_ready() {
        let (part, context) = (WokenPart::default(), Context::from_waker(Waker::noop()));
        let mut polls = 0;
        let mut polled = |ready: bool| {
            let before = polls;
            let _ = part.poll(&context, |_| {
                polls += 1;
                if ready { Poll::Ready(()) } else { Poll::Pending }
            });
            polls > before
        };
        assert_eq!([polled(true), polled(true), polled(false), polled(false)], [true, true, true, false]);
        part.look_again();
        assert_eq!([polled(false), polled(false)], [true, false]);
        part.waker.wake_by_ref();
        assert_eq!([polled(false), polled(false)], [true, false]);
    }

    #[tokio::test]
    async fn what_wakes_the_part_wakes_the_task() {
        let (sender, mut receiver) = oneshot::channel();
        let part = WokenPart::default();
        let received = poll_fn(|context| part.poll(context, |context| receiver.poll_unpin(context)));
        let sent = async {
            tokio::task::yield_now().await;
            sender.send(7).unwrap();
        };
        assert_eq!(tokio::join!(received, sent).0, Ok(7));
    }
}
