//! Events: the bytes of one state of a selection, which all its subscribers share, and what is told of them.

use bytes::Bytes;
use serde::Serialize;
use tokio::time::Instant;

use crate::compute::ReservedRoom;
use crate::graphql::execute::answer_errors::AnswerErrors;
use crate::model::LiveTeam;

/// One state of a selection.
#[derive(Clone)]
pub(super) struct LiveEvent {
    /// Its number among the selection's events.
    pub(super) number: u64,
    /// The whole state, as a response; `None` where it is written when a subscriber needs it.
    pub(super) full: Option<Bytes>,
    /// The changes since the event before; `None` where the selection has no such form, and where there is none before.
    pub(super) delta: Option<Bytes>,
    /// The summaries of both.
    pub(super) summaries: (EventSummary, EventSummary),
    /// Whether it is the last.
    pub(super) ends: bool,
    /// When its cause became known.
    pub(super) since: Instant,
    /// When what it shows began to be read.
    pub(super) read_at: Instant,
    /// The room that its bytes take.
    pub(super) _room: ReservedRoom,
}

/// The summary of an event, for logs and metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventSummary {
    /// How many members are in it.
    pub rows: usize,
    /// Whether there is any error in it.
    pub has_errors: bool,
    /// Whether it says that the subscription may not be shown any more, and nothing else.
    pub is_refusal: bool,
    /// The codes of its errors, each once.
    pub codes: Vec<&'static str>,
}

/// A response that is an event: its bytes, of which the first say what is compared.
pub(super) struct EventPayload {
    pub(super) bytes: Bytes,
    pub(super) summary: EventSummary,
    compared: usize,
}

#[derive(Serialize)]
struct EventExtensions {
    live: LiveCost,
}

/// The cost of the subscription.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LiveCost {
    interval_seconds: f64,
    calls_per_hour: u64,
}

impl EventPayload {
    /// Completes a response that has its data.
    pub(super) fn new(mut out: Vec<u8>, errors: &AnswerErrors, rows: usize, team: &LiveTeam) -> Self {
        if !errors.is_empty() {
            out.extend_from_slice(b",\"errors\":");
            errors.write_to(&mut out);
        }
        let compared = out.len();
        let millis = u32::try_from(team.price.interval.as_millis()).unwrap_or(u32::MAX);
        let interval_seconds = f64::from(millis) / 1000.0;
        let live = LiveCost { interval_seconds, calls_per_hour: team.price.calls_per_hour() };
        out.extend_from_slice(b",\"extensions\":");
        // Neither this nor vectors fail to be written.
        let _ = serde_json::to_writer(&mut out, &EventExtensions { live });
        out.push(b'}');
        let summary =
            EventSummary { rows, has_errors: !errors.is_empty(), is_refusal: false, codes: errors.codes().to_vec() };
        Self { bytes: out.into(), summary, compared }
    }

    /// Data and errors: an event is sent only where they differ.
    pub(super) fn compared(&self) -> Bytes {
        self.bytes.slice(..self.compared)
    }
}
