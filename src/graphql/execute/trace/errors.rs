//! The errors of a trace: each at the node at the end of its path, or at the last on it that there is. They keep their place and
//! their code; a message may name what a client sent, and is masked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::messages::{Error, Location};
use super::writer::{NestedField, TraceWriter};

/// The replacement of an error's message.
const MASKED: &str = "<masked>";

/// An answer's error as a trace shows it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TraceError {
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

/// The errors at one node and below it, by their paths. A node that is written takes its own out: what is left at the end
/// belongs to nodes that are not there.
#[derive(Default)]
pub(super) struct ErrorTree<'e> {
    /// With their numbers, in the order of the answer.
    here: Vec<(usize, &'e TraceError)>,
    by_key: BTreeMap<&'e str, ErrorTree<'e>>,
    by_index: BTreeMap<usize, ErrorTree<'e>>,
}

impl<'e> ErrorTree<'e> {
    pub(super) fn new(errors: &'e [TraceError]) -> Self {
        let mut tree = Self::default();
        for (number, error) in errors.iter().enumerate() {
            let place = error.path.iter().fold(&mut tree, |tree, segment| match segment {
                PathSegment::Index(index) => tree.by_index.entry(*index).or_default(),
                PathSegment::Key(key) => tree.by_key.entry(key.as_str()).or_default(),
            });
            place.here.push((number, error));
        }
        tree
    }

    /// Takes out those of a field and below it.
    pub(super) fn take_key(&mut self, key: &str) -> Option<Self> {
        self.by_key.remove(key)
    }

    /// Takes out those of a list's item and below it.
    pub(super) fn take_index(&mut self, index: usize) -> Option<Self> {
        self.by_index.remove(&index)
    }

    /// Writes what is left, in the order of the answer, into the node that is open.
    pub(super) fn write_to(self, writer: &mut TraceWriter, time_ns: u64) {
        let mut left = Vec::new();
        self.gather(&mut left);
        left.sort_unstable_by_key(|(number, _)| *number);
        for (_, error) in left {
            let open = writer.open(NestedField::ERROR);
            writer.message(&masked(error, time_ns));
            writer.close(open);
        }
    }

    fn gather(self, into: &mut Vec<(usize, &'e TraceError)>) {
        into.extend(self.here);
        self.by_key.into_values().chain(self.by_index.into_values()).for_each(|below| below.gather(into));
    }
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
