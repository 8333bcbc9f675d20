//! Variables: their JSON text is measured in one pass, before any value is made of it.
//!
//! A value takes many times the memory of its text, so what is limited is counted on the text. The text comes from the
//! reader of the request, which accepts valid JSON only; on anything else the pass counts something and ends.

use memchr::memchr2;
use smallvec::SmallVec;

use super::RequestTotals;
use crate::config;
use crate::graphql::error::Code;
use crate::graphql::request_error::RequestError;

/// How large the values of a JSON text will be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::graphql) struct VariablesSize {
    /// The length of the text, in bytes.
    pub(in crate::graphql) bytes: usize,
    /// Objects, lists and scalars below the outermost object; names of fields are not counted.
    pub(in crate::graphql) nodes: usize,
    /// Levels of objects and lists, the outermost object included.
    pub(in crate::graphql) depth: usize,
    /// The items of the longest list.
    pub(in crate::graphql) longest_list: usize,
}

/// The memory of a value besides its text, in bytes: as it is read, as it is coerced, and in the arguments that it
/// becomes.
const VALUE: usize = 256;

/// Most values nest no deeper.
const USUAL_DEPTH: usize = 8;

/// How far the end of a string is looked for byte by byte.
const NEAR: usize = 32;

impl VariablesSize {
    /// How many bytes the values will take besides the text, approximately. No more of them are made than `nodes_limit`.
    pub(in crate::graphql) fn memory(self, nodes_limit: usize) -> usize {
        if self.nodes > nodes_limit { 0 } else { self.nodes * VALUE + self.bytes }
    }

    /// Measures the text of a JSON object.
    pub(in crate::graphql) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut size = Self { bytes: bytes.len(), ..Self::default() };
        let mut open: SmallVec<[OpenValue; USUAL_DEPTH]> = SmallVec::new();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b':' => 1,
                b',' => {
                    if let Some(OpenValue::Object { name }) = open.last_mut() {
                        *name = true;
                    }
                    1
                }
                b'}' | b']' => {
                    open.pop();
                    1
                }
                b'{' | b'[' => {
                    size.value(&mut open);
                    open.push(if byte == b'{' {
                        OpenValue::Object { name: true }
                    } else {
                        OpenValue::List { items: 0 }
                    });
                    size.depth = size.depth.max(open.len());
                    1
                }
                b'"' => {
                    match open.last_mut() {
                        Some(OpenValue::Object { name }) if *name => *name = false,
                        _ => size.value(&mut open),
                    }
                    string_length(&bytes[at..])
                }
                _ => {
                    size.value(&mut open);
                    scalar_length(&bytes[at..])
                }
            };
        }
        size
    }

    /// Counts a value in what is open around it.
    fn value(&mut self, open: &mut [OpenValue]) {
        let Some(level) = open.last_mut() else { return };
        self.nodes += 1;
        if let OpenValue::List { items } = level {
            *items += 1;
            self.longest_list = self.longest_list.max(*items);
        }
    }

    /// Rejects variables that must not become values, and counts them with those of the batch's other requests.
    pub(in crate::graphql) fn check(
        self,
        totals: &mut RequestTotals,
        limits: &config::GraphQlConfig,
    ) -> Result<(), RequestError> {
        totals.variable_nodes = totals.variable_nodes.saturating_add(self.nodes);
        let bounds = [
            (
                totals.variable_nodes,
                limits.variable_nodes_limit,
                Code::MaxVariableNodes,
                "the number of values in variables",
            ),
            (self.depth, limits.nesting_limit, Code::MaxRecursion, "the nesting of variables"),
        ];
        match bounds.into_iter().find(|(count, limit, ..)| count > limit) {
            Some((_, limit, code, what)) => Err(RequestError::past(code, what, limit)),
            None => Ok(()),
        }
    }
}

/// An object or a list that has begun and not ended.
enum OpenValue {
    Object {
        /// Whether the next string is a field's name.
        name: bool,
    },
    List {
        items: usize,
    },
}

/// The length of the string that begins at the front, quotes included.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = bytes.get(at..).and_then(special) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

/// Where the next quote or backslash is. Most strings are short, and a search costs more to begin than they have bytes.
fn special(bytes: &[u8]) -> Option<usize> {
    let (near, rest) = bytes.split_at(bytes.len().min(NEAR));
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\');
    near.iter().position(is_special).or_else(|| Some(near.len() + memchr2(b'"', b'\\', rest)?))
}

/// The length of the number or literal that begins at the front.
fn scalar_length(bytes: &[u8]) -> usize {
    let ends =
        |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'[' | b'"' | b':');
    bytes.iter().skip(1).position(ends).map_or(bytes.len(), |length| length + 1)
}
