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
use super::row_changes::RowChanges;
use super::selection::Selection;
use crate::compute::ComputePool;
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
pub(in crate::graphql::execute) struct SharedSelections {
    senders: Arc<Mutex<HashMap<SelectionKey, EventSender>>>,
    row_changes: RowChanges,
}

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
        let mut selections = self.senders.lock();
        if let Some(events) = selections.get(&key) {
            return events.subscribe();
        }
        let events = EventSender::default();
        let receiver = events.subscribe();
        selections.insert(key.clone(), events.clone());
        drop(selections);
        let (selection, watcher) = make();
        let writer =
            SelectionWriter { all: self.clone(), key, events, compute: compute.clone(), metrics: metrics.clone() };
        tokio::spawn(writer.run(selection, watcher));
        receiver
    }

    pub(super) fn row_changes(&self) -> RowChanges {
        self.row_changes.clone()
    }

    /// Forgets a selection without subscribers; returns whether it did.
    fn forget(&self, key: &SelectionKey, events: &EventSender) -> bool {
        let mut selections = self.senders.lock();
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
}

impl SelectionWriter {
    async fn run(self, selection: Selection, mut watcher: LiveWatcher) {
        let mut selection = Some(selection);
        // The state that was written last.
        let mut last: Option<LiveTeam> = None;
        loop {
            let next = tokio::select! {
                team = watcher.next() => Some(team),
                () = self.events.full_wanted() => None,
                () = self.events.deserted() => {
                    if self.all.forget(&self.key, &self.events) {
                        return;
                    }
                    continue;
                }
            };
            let again = self.events.newest().filter(|event| next.is_none() && event.full.is_none());
            let Some(team) = next.clone().or_else(|| again.as_ref().and_then(|_| last.clone())) else { continue };
            let Some(known) = selection.take() else { continue };
            let event = match self.write(known, &team, again).await {
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
                None if next.is_some() => {
                    self.metrics.live().suppressed();
                    self.confirm(&team, &watcher);
                }
                None => {}
            }
            last = Some(team);
        }
    }

    /// A state that shows the same as the last event, which was withdrawn: those who have not seen it may see it now.
    fn confirm(&self, team: &LiveTeam, watcher: &LiveWatcher) {
        let last = self.events.newest().filter(|event| watcher.is_withdrawn(event.read_at));
        if let Some(event) = last {
            self.events.send(LiveEvent { read_at: team.read_at(), ..LiveEvent::clone(&event) });
        }
    }

    /// The selection again, and the event that it made of the state, or what it made of the event `again`; `None` where it panicked.
    async fn write(
        &self,
        mut selection: Selection,
        team: &LiveTeam,
        again: Option<Arc<LiveEvent>>,
    ) -> Option<(Selection, Result<Option<LiveEvent>, Cancelled>)> {
        let large = team.roster.as_ref().is_ok_and(|roster| roster.len() > OFFLOAD_MEMBERS);
        let (team, ticket) = (team.clone(), selection.ticket.clone());
        let job = move |cancellation: &Cancellation| {
            let event = match again {
                Some(event) => selection.with_full(&event, &team, cancellation),
                None => selection.event(&team, cancellation),
            };
            (selection, event)
        };
        if large {
            return self.compute.run(&ticket, job).await.ok();
        }
        catch_unwind(AssertUnwindSafe(|| job(ticket.cancellation()))).ok()
    }
}
