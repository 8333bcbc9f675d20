//! Shared selections: each distinct question about a team is answered once for each of its states, by a task of its own, and
//! its subscribers share the bytes.
//!
//! A channel holds the newest event alone, so a slow subscriber misses events in between, and delays no other. The task ends
//! with the last subscriber.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::Mutex;

use super::event::LiveEvent;
use super::newest::{EventReceiver, EventSender};
use super::selection::Selection;
use crate::compute::{ComputePool, Lane, Ticket};
use crate::loader::LiveWatcher;
use crate::model::{Cancellation, Cancelled, LiveTeam, Scopes};
use crate::telemetry::Metrics;

/// From so many members on an event is written beside the runtime's workers.
const OFFLOAD_MEMBERS: usize = 200;

/// The key of a selection: equal selections share their events.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct SelectionKey {
    /// The feed, and with it account and credential.
    pub(super) feed: u64,
    pub(super) text: Arc<str>,
    pub(super) operation: Option<Box<str>>,
    pub(super) variables: Box<[u8]>,
    pub(super) scopes: Scopes,
}

/// The selections that have subscribers.
#[derive(Clone, Default)]
pub(in crate::graphql::execute) struct SharedSelections(Arc<Mutex<HashMap<SelectionKey, EventSender>>>);

impl SharedSelections {
    /// Subscribes to a selection, which `make` makes where it is the first to ask for it.
    #[expect(clippy::disallowed_methods, reason = "one task for each selection, which ends with its last subscriber")]
    pub(super) fn subscribe(
        &self,
        key: SelectionKey,
        compute: &ComputePool,
        metrics: &Arc<Metrics>,
        make: impl FnOnce() -> (Selection, LiveWatcher),
    ) -> EventReceiver {
        let mut selections = self.0.lock();
        if let Some(events) = selections.get(&key) {
            return events.subscribe();
        }
        let events = EventSender::default();
        let receiver = events.subscribe();
        selections.insert(key.clone(), events.clone());
        drop(selections);
        let (selection, watcher) = make();
        let writer = SelectionWriter {
            all: self.clone(),
            key,
            events,
            compute: compute.clone(),
            metrics: metrics.clone(),
            ticket: Ticket::shared(Lane::of(selection.grant.key())),
        };
        tokio::spawn(writer.run(selection, watcher));
        receiver
    }

    /// Forgets a selection without subscribers; returns whether it did.
    fn forget(&self, key: &SelectionKey, events: &EventSender) -> bool {
        let mut selections = self.0.lock();
        let unwanted = !events.has_receivers();
        if unwanted {
            selections.remove(key);
        }
        unwanted
    }
}

/// Writes the events of one selection.
struct SelectionWriter {
    all: SharedSelections,
    key: SelectionKey,
    events: EventSender,
    compute: ComputePool,
    metrics: Arc<Metrics>,
    ticket: Ticket,
}

impl SelectionWriter {
    async fn run(self, selection: Selection, mut watcher: LiveWatcher) {
        let mut selection = Some(selection);
        loop {
            let team = tokio::select! {
                team = watcher.next() => team,
                () = self.events.deserted() => {
                    if self.all.forget(&self.key, &self.events) {
                        return;
                    }
                    continue;
                }
            };
            let Some(known) = selection.take() else { continue };
            let event = match self.write(known, &team).await {
                Some((known, Ok(event))) => {
                    selection = Some(known);
                    event
                }
                _ => {
                    // Nothing more comes of it. It is forgotten when its subscribers have been told and are gone.
                    let last = self.events.newest().map_or(0, |event| event.number);
                    Some(Selection::failed(last + 2, &team))
                }
            };
            match event {
                Some(event) => self.events.send(event),
                None => {
                    self.metrics.live().suppressed();
                    self.confirm(&team, &watcher);
                }
            }
        }
    }

    /// A state that shows the same as the last event, which was withdrawn: those who have not seen it may see it now.
    fn confirm(&self, team: &LiveTeam, watcher: &LiveWatcher) {
        let last = self.events.newest().filter(|event| watcher.is_withdrawn(event.read_at));
        if let Some(event) = last {
            self.events.send(LiveEvent { read_at: team.read_at(), ..LiveEvent::clone(&event) });
        }
    }

    /// The selection again, and the event that it made of the state; `None` where it panicked.
    async fn write(
        &self,
        mut selection: Selection,
        team: &LiveTeam,
    ) -> Option<(Selection, Result<Option<LiveEvent>, Cancelled>)> {
        let large = team.roster.as_ref().is_ok_and(|roster| roster.len() > OFFLOAD_MEMBERS);
        let team = team.clone();
        let job = move |cancellation: &Cancellation| {
            let event = selection.event(&team, cancellation);
            (selection, event)
        };
        if large {
            return self.compute.run(&self.ticket, job).await.ok();
        }
        catch_unwind(AssertUnwindSafe(|| job(self.ticket.cancellation()))).ok()
    }
}
