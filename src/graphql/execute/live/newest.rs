//! A channel that holds the newest event of a selection, for many receivers.
//!
//! The wakers of all receivers lie beside each other here, so that telling thousands touches no memory of theirs, and a receiver
//! that is polled for another reason finds in one number that there is nothing new.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::event::LiveEvent;

/// The writer's end.
#[derive(Clone, Default)]
pub(super) struct EventSender(Arc<Channel>);

/// A subscriber's end.
pub(super) struct EventReceiver {
    channel: Arc<Channel>,
    slot: usize,
    /// The version that was received last.
    seen: u64,
    /// The waker in the slot, if no version came since.
    waker: Option<Waker>,
}

#[derive(Default)]
struct Channel {
    /// Grows with each event. Changes while the state is locked.
    version: AtomicU64,
    state: Mutex<ChannelState>,
    /// Told when the last receiver leaves.
    deserted: Notify,
    /// Told when a receiver needs the whole state.
    full_wanted: Notify,
}

#[derive(Default)]
struct ChannelState {
    event: Option<Arc<LiveEvent>>,
    /// A slot for each receiver, with its waker where it waits.
    slots: Vec<Option<Waker>>,
    /// Those without a receiver.
    free: Vec<usize>,
}

impl ChannelState {
    fn receivers(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

impl EventSender {
    /// A receiver, which is given the newest event first, where there is any.
    pub(super) fn subscribe(&self) -> EventReceiver {
        let mut state = self.0.state.lock();
        let slot = state.free.pop().unwrap_or_else(|| {
            state.slots.push(None);
            state.slots.len() - 1
        });
        drop(state);
        EventReceiver { channel: self.0.clone(), slot, seen: 0, waker: None }
    }

    pub(super) fn newest(&self) -> Option<Arc<LiveEvent>> {
        self.0.state.lock().event.clone()
    }

    /// Puts an event in the place of the one before, and wakes the receivers that wait.
    pub(super) fn send(&self, event: LiveEvent) {
        let mut state = self.0.state.lock();
        let before = state.event.replace(Arc::new(event));
        self.0.version.fetch_add(1, Ordering::Release);
        let waiting: Vec<Waker> = state.slots.iter_mut().filter_map(Option::take).collect();
        drop(state);
        drop(before);
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(super) fn has_receivers(&self) -> bool {
        self.0.state.lock().receivers() > 0
    }

    /// Completes when a receiver needs the whole state.
    pub(super) async fn full_wanted(&self) {
        self.0.full_wanted.notified().await;
    }

    /// Completes when there is no receiver.
    pub(super) async fn deserted(&self) {
        while self.has_receivers() {
            self.0.deserted.notified().await;
        }
    }
}

impl EventReceiver {
    /// Has the newest event sent again with the whole state.
    pub(super) fn want_full(&self) {
        self.channel.full_wanted.notify_one();
    }

    /// The newest event, where it has not been received.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Arc<LiveEvent>> {
        let waits = self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if waits && self.channel.version.load(Ordering::Acquire) == self.seen {
            return Poll::Pending;
        }
        if !waits {
            self.waker = Some(context.waker().clone());
        }
        let mut state = self.channel.state.lock();
        // For the next event at once, so that the next poll has nothing to do.
        let before = std::mem::replace(&mut state.slots[self.slot], self.waker.clone());
        let version = self.channel.version.load(Ordering::Acquire);
        let event = state.event.clone().filter(|_| version != self.seen);
        drop(state);
        // What a waker keeps alive may have a receiver, too.
        drop(before);
        self.seen = version;
        event.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for EventReceiver {
    fn drop(&mut self) {
        let mut state = self.channel.state.lock();
        let waker = state.slots[self.slot].take();
        state.free.push(self.slot);
        if state.receivers() == 0 {
            // Those of a crowd would be kept for ever otherwise.
            (state.slots, state.free) = Default::default();
            self.channel.deserted.notify_one();
        }
        drop(state);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use bytes::Bytes;
    use futures_util::FutureExt;

    use super::*;
    use crate::model::Clock;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn event(number: u64) -> LiveEvent {
        let now = Clock::instant();
        LiveEvent {
            number,
            full: Some(Bytes::new()),
            delta: None,
            summaries: Default::default(),
            ends: false,
            since: now,
            read_at: now,
            _room: Default::default(),
        }
    }

    fn number(receiver: &mut EventReceiver, waker: &Waker) -> Option<u64> {
        match receiver.poll_next(&mut Context::from_waker(waker)) {
            Poll::Ready(event) => Some(event.number),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_receiver_has_the_newest_event_once_and_is_woken_once_for_each() {
        let (sender, count) = (EventSender::default(), Arc::new(Count::default()));
        let waker = Waker::from(count.clone());
        let mut receiver = sender.subscribe();
        assert_eq!(number(&mut receiver, &waker), None);
        for round in 1..=3 {
            sender.send(event(2 * round));
            sender.send(event(2 * round + 1));
            assert_eq!(count.0.load(Ordering::Relaxed), round as usize, "one that was woken is not woken again");
            assert_eq!(number(&mut receiver, &waker), Some(2 * round + 1));
            assert_eq!(number(&mut receiver, &waker), None);
        }
        let mut late = sender.subscribe();
        assert_eq!(number(&mut late, &waker), Some(7), "who comes late has the newest at once");
    }

    #[test]
    fn the_waker_of_the_last_poll_is_woken() {
        let sender = EventSender::default();
        let counts = [Arc::new(Count::default()), Arc::new(Count::default())];
        let wakers = counts.clone().map(Waker::from);
        let mut receiver = sender.subscribe();
        for round in 0..4 {
            assert_eq!(number(&mut receiver, &wakers[round % 2]), None);
        }
        sender.send(event(1));
        assert_eq!(counts.map(|count| count.0.load(Ordering::Relaxed)), [0, 1]);
    }

    #[test]
    fn who_leaves_is_not_woken_and_the_last_one_ends_the_channel() {
        let (sender, count) = (EventSender::default(), Arc::new(Count::default()));
        let waker = Waker::from(count.clone());
        let mut receivers: Vec<EventReceiver> = (0..3).map(|_| sender.subscribe()).collect();
        receivers.iter_mut().for_each(|receiver| assert_eq!(number(receiver, &waker), None));
        receivers.remove(1);
        sender.send(event(1));
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
        assert_eq!(sender.deserted().now_or_never(), None);
        receivers.clear();
        assert_eq!(sender.deserted().now_or_never(), Some(()));
        assert_eq!(number(&mut sender.subscribe(), &waker), Some(1), "the newest event outlives its receivers");
    }

    #[tokio::test]
    async fn thousands_who_wait_are_all_told() {
        let sender = EventSender::default();
        let receivers: Vec<EventReceiver> = (0..5_000).map(|_| sender.subscribe()).collect();
        let received = futures_util::future::join_all(receivers.into_iter().map(|mut receiver| async move {
            while poll_fn(|context| receiver.poll_next(context)).await.number < 20 {}
        }));
        let send = async {
            for number in 1..=20 {
                sender.send(event(number));
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(received, send);
        assert!(!sender.has_receivers());
    }
}
