//! A subscription: one subscriber's events, complete and in order, the newest alone where several came at once.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::event::{EventSummary, LiveEvent};
use super::newest::EventReceiver;
use crate::loader::LiveListener;
use crate::model::Clock;
use crate::telemetry::Metrics;

/// One subscriber's events.
pub struct LiveSubscription {
    events: EventReceiver,
    /// Keeps the team read.
    listener: LiveListener,
    /// The number of the last event that was delivered.
    last: Option<u64>,
    has_ended: bool,
    metrics: Arc<Metrics>,
}

/// An event on its way to a subscriber.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// A response, as JSON.
    pub payload: Bytes,
    /// Its summary.
    pub summary: EventSummary,
    /// Whether it is the last.
    pub ends: bool,
}

impl LiveSubscription {
    pub(super) fn new(events: EventReceiver, listener: LiveListener, metrics: Arc<Metrics>) -> Self {
        Self { events, listener, last: None, has_ended: false, metrics }
    }

    /// The next event; `None` after the last. Cancelling the wait loses none.
    pub async fn next(&mut self) -> Option<Delivery> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As for [`Self::next`].
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        while !self.has_ended {
            let event = ready!(self.events.poll_next(context));
            // One that is withdrawn comes again when it is known to be true still; who has seen it has seen it.
            if self.last == Some(event.number) || self.listener.is_withdrawn(event.read_at) {
                continue;
            }
            match self.deliver(&event) {
                Some(delivery) => return Poll::Ready(Some(delivery)),
                // It comes again with that.
                None => self.events.want_full(),
            }
        }
        Poll::Ready(None)
    }

    /// The event as this subscriber needs it, where it is written.
    fn deliver(&mut self, event: &LiveEvent) -> Option<Delivery> {
        let is_next = self.last.is_some_and(|last| last + 1 == event.number);
        let (payload, summary) = match event.delta.as_ref().filter(|_| is_next) {
            Some(delta) => (delta.clone(), event.summaries.1.clone()),
            None => (event.full.clone()?, event.summaries.0.clone()),
        };
        self.last = Some(event.number);
        self.has_ended = event.ends;
        self.metrics.live().sent(Clock::instant().saturating_duration_since(event.since));
        Some(Delivery { payload, summary, ends: event.ends })
    }
}
