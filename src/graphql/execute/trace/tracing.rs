//! A trace: when the operation began and ended, and the tree of its fields with masked errors.
//!
//! A root field's time is from the start to the end of the answer, its look-ups included. Everything below one is read from
//! rosters that are there by then, so its time is that of writing the answer. An error keeps its place and its code; its
//! message may name what a client sent, and is masked.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::messages::{Error, Location, NodeId, OperationTrace, ProtoTimestamp, TraceNode};
use super::nodes::{NodeBuilder, TraceInterval};
use crate::graphql::execute::answer_errors::AnswerErrors;
use crate::graphql::language::CoercedVariables;
use crate::graphql::plan::operation_cache::PreparedDocument;
use crate::model::Clock;

/// The replacement of an error's message.
const MASKED: &str = "<masked>";

/// An answer's error as a trace shows it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TraceError {
    locations: Vec<WrittenLocation>,
    path: Vec<PathSegment>,
    extensions: serde_json::Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct WrittenLocation {
    line: u32,
    column: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PathSegment {
    Index(usize),
    Key(String),
}

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
        let spans = (TraceInterval { start: 0, end }, TraceInterval { start: loaded, end });
        let truths = |name: &str| self.variables.truth(name);
        let builder = NodeBuilder::new(&self.prepared.document, &truths, &self.types, spans, self.nodes_limit);
        let (children, mut is_incomplete) = builder.build(operation, data);
        let mut root = TraceNode { child: children, ..TraceNode::default() };
        for error in errors.read::<TraceError>().into_iter().take(self.nodes_limit) {
            place(&mut root, &error.path).error.push(masked(&error, end));
        }
        is_incomplete |= errors.len() > self.nodes_limit;
        let trace = OperationTrace {
            start_time: Some(timestamp(self.times.started_at)),
            end_time: Some(timestamp(self.times.started_at + Duration::from_nanos(end))),
            duration_ns: end,
            root: Some(root),
            is_incomplete,
        };
        // Base64 takes four bytes for three.
        let trace = trace.encode_to_vec();
        (trace.len().div_ceil(3).saturating_mul(4) <= room).then(|| STANDARD.encode(trace))
    }
}

/// The node at the end of a path, or the last on it that there is.
fn place<'n>(root: &'n mut TraceNode, path: &[PathSegment]) -> &'n mut TraceNode {
    let mut node = root;
    for segment in path {
        let is_meant = |child: &TraceNode| match (&child.id, segment) {
            (Some(NodeId::ResponseName(name)), PathSegment::Key(key)) => name == key.as_bytes(),
            (Some(NodeId::Index(index)), PathSegment::Index(at)) => *index as usize == *at,
            _ => false,
        };
        // The items of a list are in order, and all there unless the trace was cut.
        let at = match segment {
            PathSegment::Index(at) if node.child.get(*at).is_some_and(is_meant) => Some(*at),
            _ => node.child.iter().position(is_meant),
        };
        let Some(at) = at else { break };
        node = &mut node.child[at];
    }
    node
}

fn masked(error: &TraceError, time_ns: u64) -> Error {
    let location = |at: &WrittenLocation| Location { line: at.line, column: at.column };
    let json = json!({
        "message": MASKED,
        "locations": error.locations,
        "path": error.path,
        "extensions": { "code": error.extensions.get("code") },
    });
    Error {
        message: MASKED.to_owned(),
        location: error.locations.iter().map(location).collect(),
        time_ns,
        json: json.to_string(),
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
