//! A selection: what an operation shows of a team, written for one state after the other.

use std::hash::RandomState;
use std::sync::Arc;

use smallvec::smallvec;

use super::event::{EventPayload, EventSummary, LiveEvent};
use crate::config;
use crate::graphql::error::{self, Code, fault};
use crate::graphql::execute::answer_errors::AnswerErrors;
use crate::graphql::execute::changes::{MemberChanges, MemberDigests};
use crate::graphql::execute::lookups::{Resolved, RootData};
use crate::graphql::execute::project::{ProjectionOptions, digest_members, project};
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
    pub(super) written: WrittenState,
}

/// The output for the state before.
#[derive(Default)]
pub(super) struct WrittenState {
    events: u64,
    /// Data and errors; of changes, without members.
    compared: Option<Vec<u8>>,
    digests: Option<MemberDigests>,
    hasher: RandomState,
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
                self.written.digests = None;
                self.whole(RootData::Failed(error::upstream(failed)), team, ends, cancellation)?
            }
        };
        let Some(written) = written else { return Ok(None) };
        let limit = self.options.limit;
        if written.0.bytes.len() > limit {
            let refused = self.refused(too_large(limit as u64), team, cancellation)?;
            return Ok(refused.map(|written| self.numbered(written, team)));
        }
        Ok(Some(self.numbered(written, team)))
    }

    fn numbered(&mut self, (full, delta, ends): WrittenEvent, team: &LiveTeam) -> LiveEvent {
        self.written.events += 1;
        let (delta, of_delta) = delta.map(|delta| (delta.bytes, delta.summary)).unzip();
        let summaries = (full.summary, of_delta.unwrap_or_default());
        let (number, full, since) = (self.written.events, full.bytes, team.since);
        LiveEvent { number, full, delta, summaries, ends, since, read_at: team.read_at() }
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
        if let Some((full, ..)) = &mut written {
            full.summary.is_refusal = true;
        }
        Ok(written)
    }

    fn whole(&mut self, data: RootData, team: &LiveTeam, ends: bool, cancellation: &Cancellation) -> EventResult {
        let payload = self.payload(data, team, cancellation)?;
        if !ends && self.written.compared.as_deref() == Some(payload.compared()) {
            return Ok(None);
        }
        self.written.compared = Some(payload.compared().to_vec());
        Ok(Some((payload, None, ends)))
    }

    /// The changes since the event before, and the whole state for subscribers that have not seen that event.
    fn changes(&mut self, view: &Arc<View>, team: &LiveTeam, cancellation: &Cancellation) -> EventResult {
        let (plan, hasher) = (self.plan.clone(), &self.written.hasher);
        let now = digest_members(&plan, &self.resolved, view, self.options, hasher, cancellation)?;
        let changes = self.written.digests.as_ref().map(|before| MemberChanges::between(before, &now, &view.roster));
        let rest = self.payload(RootData::Changes(view.clone(), MemberChanges::default()), team, cancellation)?;
        let same_rest = self.written.compared.as_deref() == Some(rest.compared());
        if same_rest && changes.as_ref().is_some_and(MemberChanges::is_empty) {
            return Ok(None);
        }
        let all = MemberChanges::all(&view.roster);
        let full = self.payload(RootData::Changes(view.clone(), all), team, cancellation)?;
        let delta = match changes {
            Some(changes) => Some(self.payload(RootData::Changes(view.clone(), changes), team, cancellation)?),
            None => None,
        };
        self.written.compared = Some(rest.compared().to_vec());
        self.written.digests = Some(now);
        Ok(Some((full, delta, false)))
    }

    fn payload(
        &mut self,
        data: RootData,
        team: &LiveTeam,
        cancellation: &Cancellation,
    ) -> Result<EventPayload, Cancelled> {
        self.resolved.roots = smallvec![data];
        let length = self.written.compared.as_ref().map_or(0, Vec::len);
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
        LiveEvent { number, full: payload.bytes, delta: None, summaries, ends: true, since, read_at }
    }
}

/// The whole state, what has changed, and whether it is the end.
type WrittenEvent = (EventPayload, Option<EventPayload>, bool);
/// `None` where nothing has changed.
type EventResult = Result<Option<WrittenEvent>, Cancelled>;
