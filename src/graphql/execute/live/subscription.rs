//! A subscription: one subscriber's events, complete and in order, the newest alone where several came at once.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::event::{EventSummary, LiveEvent};
use crate::loader::TeamListener;
use crate::model::Clock;
use crate::telemetry::Metrics;

/// One subscriber's events.
pub struct Subscription {
    events: watch::Receiver<Option<Arc<LiveEvent>>>,
    /// Keeps the team read.
    listener: TeamListener,
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
    /// What is told of it.
    pub summary: EventSummary,
    /// Whether it is the last.
    pub ends: bool,
}

impl Subscription {
    pub(super) fn new(
        events: watch::Receiver<Option<Arc<LiveEvent>>>,
        listener: TeamListener,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { events, listener, last: None, has_ended: false, metrics }
    }

    /// The next event; `None` after the last. Cancelling the wait loses none.
    pub async fn next(&mut self) -> Option<Delivery> {
        while !self.has_ended {
            if self.events.changed().await.is_err() {
                self.has_ended = true;
                return None;
            }
            let event = self.events.borrow_and_update().clone();
            // One that is withdrawn comes again when it is known to be true still; who has seen it has seen it.
            let is_due =
                |event: &LiveEvent| self.last != Some(event.number) && !self.listener.is_withdrawn(event.read_at);
            if let Some(event) = event.filter(|event| is_due(event)) {
                return Some(self.deliver(&event));
            }
        }
        None
    }

    fn deliver(&mut self, event: &LiveEvent) -> Delivery {
        let is_next = self.last.is_some_and(|last| last + 1 == event.number);
        let (payload, summary) = match event.delta.as_ref().filter(|_| is_next) {
            Some(delta) => (delta.clone(), event.summaries.1.clone()),
            None => (event.full.clone(), event.summaries.0.clone()),
        };
        self.last = Some(event.number);
        self.has_ended = event.ends;
        self.metrics.live().sent(Clock::instant().saturating_duration_since(event.since));
        Delivery { payload, summary, ends: event.ends }
    }
}
