//! A trace: when the operation began and ended, and the tree of its fields with masked errors.
//!
//! A root field's time is from the start to the end of the answer, its look-ups included. Everything below one is read from
//! rosters that are there by then, so its time is that of writing the answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::Instant;

use super::errors::TraceError;
use super::messages::{ProtoTimestamp, TraceEnvelope};
use super::nodes::{NodeWriter, TraceLimits};
use super::selections::{FieldSpans, SelectionReader, TraceInterval, TracedSelections};
use crate::graphql::execute::answer_errors::AnswerErrors;
use crate::graphql::language::CoercedVariables;
use crate::graphql::plan::operation_cache::PreparedDocument;
use crate::model::Clock;

/// When an operation did what.
#[derive(Clone, Copy, Debug)]
pub(in crate::graphql::execute) struct TraceTimes {
    started: Instant,
    /// The wall clock at the start, since 1970.
    started_at: Duration,
    /// When the rosters were there.
    loaded: Instant,
}

impl TraceTimes {
    pub(in crate::graphql::execute) fn start() -> Self {
        let now = Clock::instant();
        Self { started: now, started_at: Clock::since_epoch(), loaded: now }
    }

    pub(in crate::graphql::execute) fn set_loaded(&mut self) {
        self.loaded = Clock::instant();
    }
}

/// The input of an operation's trace, besides its answer.
pub(in crate::graphql::execute) struct Tracing {
    pub(in crate::graphql::execute) times: TraceTimes,
    pub(in crate::graphql::execute) prepared: Arc<PreparedDocument>,
    pub(in crate::graphql::execute) operation_name: Option<String>,
    pub(in crate::graphql::execute) variables: CoercedVariables,
    /// The types of the objects in a root field whose own type is abstract, by its response key.
    pub(in crate::graphql::execute) types: HashMap<Box<str>, Vec<&'static str>>,
    /// How many nodes a trace may have.
    pub(in crate::graphql::execute) nodes_limit: usize,
}

impl Tracing {
    /// The trace in base64, as `extensions.ftv1` has it; `None` where it would be longer than `room` bytes.
    pub(in crate::graphql::execute) fn encode(
        &self,
        data: &[u8],
        errors: &AnswerErrors,
        room: usize,
    ) -> Option<String> {
        let ended = Clock::instant();
        let since_start = |instant: Instant| nanoseconds(instant.saturating_duration_since(self.times.started));
        let (loaded, end) = (since_start(self.times.loaded), since_start(ended));
        let operation = self.prepared.document.operation(self.operation_name.as_deref())?;
        let truths = |name: &str| self.variables.truth(name);
        let spans = FieldSpans { root: TraceInterval { start: 0, end }, below: TraceInterval { start: loaded, end } };
        let reader = SelectionReader::new(&self.prepared.document, &truths, spans);
        let all: Vec<TraceError> = if errors.is_empty() { Vec::new() } else { errors.read() };
        let placed = &all[..all.len().min(self.nodes_limit)];
        // Base64 takes four bytes for three.
        let bytes_limit = room / 4 * 3;
        let limits = TraceLimits { nodes: self.nodes_limit, bytes: bytes_limit };
        let nodes = NodeWriter::new(reader, &self.types, end, limits);
        let selections = TracedSelections::root(&operation.selection_set);
        let (mut trace, is_cut) = nodes.write(&selections, operation.object_type().as_str(), data, placed)?;
        trace.message(&TraceEnvelope {
            start_time: Some(timestamp(self.times.started_at)),
            end_time: Some(timestamp(self.times.started_at + Duration::from_nanos(end))),
            duration_ns: end,
            is_incomplete: is_cut || errors.len() > self.nodes_limit,
        });
        (trace.len() <= bytes_limit).then(|| STANDARD.encode(trace.into_bytes()))
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn timestamp(since_epoch: Duration) -> ProtoTimestamp {
    ProtoTimestamp {
        seconds: i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since_epoch.subsec_nanos()).unwrap_or_default(),
    }
}
