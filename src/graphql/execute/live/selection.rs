//! A selection: what an operation shows of a team, written for one state after the other.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::smallvec;

use super::event::{EventPayload, EventSummary, LiveEvent};
use super::row_changes::RowChanges;
use crate::compute::{ReservedRoom, Ticket};
use crate::config;
use crate::graphql::error::{self, Code, fault};
use crate::graphql::execute::answer_errors::AnswerErrors;
use crate::graphql::execute::changes::MemberChanges;
use crate::graphql::execute::lookups::{Resolved, RootData};
use crate::graphql::execute::project::{ProjectionOptions, changed_members, project};
use crate::graphql::execute::response::{GraphQlResponse, too_large};
use crate::graphql::limits::{self, ArgumentSizes, RequestTotals, RosterSize};
use crate::graphql::plan::plan::{Plan, RootField};
use crate::graphql::request_error::RequestError;
use crate::graphql::schema::View;
use crate::model::{Cancellation, Cancelled, ErrorKind, Grant, LiveTeam, Roster};

/// The view of a team that an operation selects.
pub(super) struct Selection {
    pub(super) plan: Arc<Plan>,
    /// Its arguments, and the root field's data of the state that was written last.
    pub(super) resolved: Resolved,
    pub(super) sizes: ArgumentSizes,
    pub(super) grant: Grant,
    pub(super) options: ProjectionOptions,
    pub(super) limits: config::GraphQlConfig,
    /// Whose its events are: they take room of it.
    pub(super) ticket: Ticket,
    /// The room that it takes itself.
    pub(super) _room: ReservedRoom,
    pub(super) row_changes: RowChanges,
    pub(super) written: WrittenState,
}

/// The output for the state before.
#[derive(Default)]
pub(super) struct WrittenState {
    events: u64,
    /// Data and errors; of changes, without members.
    compared: Option<Bytes>,
    /// The team, of changes.
    shown: Option<Arc<View>>,
}

impl Selection {
    /// The event of a state; `None` where nothing that is shown has changed.
    pub(super) fn event(
        &mut self,
        team: &LiveTeam,
        cancellation: &Cancellation,
    ) -> Result<Option<LiveEvent>, Cancelled> {
        let written = match &team.roster {
            Ok(roster) => match self.check(roster, team.stale) {
                Ok(view) if self.shows_changes() => self.changes(&view, team, cancellation)?,
                Ok(view) => self.whole(RootData::All(view), team, false, cancellation)?,
                Err(refused) => self.refused(refused, team, cancellation)?,
            },
            Err(failed) => {
                let ends = matches!(failed.kind(), ErrorKind::Unauthenticated | ErrorKind::Forbidden);
                self.written.shown = None;
                self.whole(RootData::Failed(error::upstream(failed)), team, ends, cancellation)?
            }
        };
        let Some(written) = written else { return Ok(None) };
        match self.room_for(written.payloads()) {
            Ok(room) => Ok(Some(self.numbered(written, room, team))),
            Err(refused) => self.last(refused, team, cancellation),
        }
    }

    /// The last event again, with the whole state of what it shows, for subscribers that have not seen the one before.
    pub(super) fn with_full(
        &mut self,
        event: &LiveEvent,
        team: &LiveTeam,
        cancellation: &Cancellation,
    ) -> Result<Option<LiveEvent>, Cancelled> {
        let Some(view) = self.written.shown.clone() else { return Ok(None) };
        let all = MemberChanges::all(&view.roster);
        let full = self.payload(RootData::Changes(view, all), team, cancellation)?;
        match self.room_for([&full].into_iter()) {
            Ok(room) => {
                let summaries = (full.summary, event.summaries.1.clone());
                Ok(Some(LiveEvent { full: Some(full.bytes), summaries, _room: room, ..event.clone() }))
            }
            Err(refused) => self.last(refused, team, cancellation),
        }
    }

    /// Room for what an event is made of.
    fn room_for<'p>(&self, payloads: impl Iterator<Item = &'p EventPayload>) -> Result<ReservedRoom, RequestError> {
        let limit = self.options.limit;
        let (mut bytes, mut is_too_large) = (self.written.compared.as_ref().map_or(0, Bytes::len), false);
        for payload in payloads {
            bytes += payload.bytes.len();
            is_too_large |= payload.bytes.len() > limit;
        }
        if is_too_large {
            return Err(too_large(limit as u64));
        }
        self.ticket.reserve(bytes).ok_or_else(RequestError::crowded)
    }

    fn numbered(&mut self, written: WrittenEvent, room: ReservedRoom, team: &LiveTeam) -> LiveEvent {
        self.written.events += 1;
        let (full, of_full) = written.full.map(|full| (full.bytes, full.summary)).unzip();
        let (delta, of_delta) = written.delta.map(|delta| (delta.bytes, delta.summary)).unzip();
        let summaries = (of_full.unwrap_or_default(), of_delta.unwrap_or_default());
        let (number, ends, since) = (self.written.events, written.ends, team.since);
        LiveEvent { number, full, delta, summaries, ends, since, read_at: team.read_at(), _room: room }
    }

    /// The last event, which says why there are no more. It is short, and needs no room.
    fn last(
        &mut self,
        refused: RequestError,
        team: &LiveTeam,
        cancellation: &Cancellation,
    ) -> Result<Option<LiveEvent>, Cancelled> {
        let written = self.refused(refused, team, cancellation)?;
        Ok(written.map(|written| self.numbered(written, ReservedRoom::default(), team)))
    }

    fn shows_changes(&self) -> bool {
        self.plan.roots.fields.iter().any(|root| matches!(root.field, RootField::TeamChanges { .. }))
    }

    /// The team as it is shown, where that does not cost too much.
    fn check(&mut self, roster: &Arc<Roster>, stale: bool) -> Result<Arc<View>, RequestError> {
        let view = Arc::new(View::new(roster.clone(), stale, self.grant.clone()));
        self.resolved.roots = smallvec![RootData::All(view.clone())];
        let sizes = |root: usize, each: &mut dyn FnMut(usize, RosterSize)| self.resolved.sizes(root, each);
        let mut totals = RequestTotals::default();
        limits::check_cost(&self.plan.cost, &self.sizes, &sizes, None, &mut totals, &self.limits)?;
        Ok(view)
    }

    /// The last event, of a selection that may not be shown any more.
    fn refused(&mut self, refused: RequestError, team: &LiveTeam, cancellation: &Cancellation) -> EventResult {
        let data = RootData::Failed(fault(refused.code, refused.message));
        let mut written = self.whole(data, team, true, cancellation)?;
        if let Some(full) = written.as_mut().and_then(|written| written.full.as_mut()) {
            full.summary.is_refusal = true;
        }
        Ok(written)
    }

    fn whole(&mut self, data: RootData, team: &LiveTeam, ends: bool, cancellation: &Cancellation) -> EventResult {
        let payload = self.payload(data, team, cancellation)?;
        let compared = payload.compared();
        if !ends && self.written.compared.as_ref() == Some(&compared) {
            return Ok(None);
        }
        self.written.compared = Some(compared);
        Ok(Some(WrittenEvent { full: Some(payload), delta: None, ends }))
    }

    /// The changes since the event before, or the whole state where there was none.
    fn changes(&mut self, view: &Arc<View>, team: &LiveTeam, cancellation: &Cancellation) -> EventResult {
        let changes = match &self.written.shown {
            Some(before) => {
                let by_row = || self.row_changes.between(&before.roster, &view.roster, cancellation);
                Some(changed_members(&self.plan, &self.resolved, (before, view), self.options, cancellation, by_row)?)
            }
            None => None,
        };
        let rest = self.payload(RootData::Changes(view.clone(), MemberChanges::default()), team, cancellation)?;
        let rest = rest.compared();
        let is_same = self.written.compared.as_ref() == Some(&rest);
        self.written.shown = Some(view.clone());
        if is_same && changes.as_ref().is_some_and(MemberChanges::is_empty) {
            return Ok(None);
        }
        self.written.compared = Some(Bytes::copy_from_slice(&rest));
        let is_first = changes.is_none();
        let changes = changes.unwrap_or_else(|| MemberChanges::all(&view.roster));
        let payload = self.payload(RootData::Changes(view.clone(), changes), team, cancellation)?;
        let (full, delta) = if is_first { (Some(payload), None) } else { (None, Some(payload)) };
        Ok(Some(WrittenEvent { full, delta, ends: false }))
    }

    fn payload(
        &mut self,
        data: RootData,
        team: &LiveTeam,
        cancellation: &Cancellation,
    ) -> Result<EventPayload, Cancelled> {
        self.resolved.roots = smallvec![data];
        let length = self.written.compared.as_ref().map_or(0, Bytes::len);
        let out = GraphQlResponse::begin(length);
        let projected = project(&self.plan, &self.resolved, self.options, cancellation, out)?;
        Ok(EventPayload::new(projected.out, &projected.errors, projected.rows, team))
    }

    /// The last event of a selection that could not be written.
    pub(super) fn failed(number: u64, team: &LiveTeam) -> LiveEvent {
        let error = fault(Code::Internal, "internal server error").into_server_error(Default::default());
        let payload = EventPayload::new(b"{\"data\":null".to_vec(), &AnswerErrors::of(&[error]), 0, team);
        let (since, read_at) = (team.since, team.read_at());
        let summaries = (payload.summary, EventSummary::default());
        let room = ReservedRoom::default();
        LiveEvent { number, full: Some(payload.bytes), delta: None, summaries, ends: true, since, read_at, _room: room }
    }
}

/// An event that is written: the whole state, what has changed, and whether it is the end.
struct WrittenEvent {
    full: Option<EventPayload>,
    delta: Option<EventPayload>,
    ends: bool,
}

impl WrittenEvent {
    fn payloads(&self) -> impl Iterator<Item = &EventPayload> {
        self.full.iter().chain(&self.delta)
    }
}

/// `None` where nothing has changed.
type EventResult = Result<Option<WrittenEvent>, Cancelled>;
