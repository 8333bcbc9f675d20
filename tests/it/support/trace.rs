//! Apollo's trace format, as far as the tests read it: without times, so that two traces can be compared.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use serde_json::Value;

#[derive(Clone, PartialEq, Message)]
pub struct Trace {
    #[prost(message, optional, tag = "14")]
    pub root: Option<Node>,
    #[prost(bool, tag = "33")]
    pub is_incomplete: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct Node {
    #[prost(string, optional, tag = "1")]
    pub response_name: Option<String>,
    #[prost(uint32, optional, tag = "2")]
    pub index: Option<u32>,
    #[prost(string, tag = "3")]
    pub of: String,
    #[prost(message, repeated, tag = "11")]
    pub error: Vec<TracedError>,
    #[prost(message, repeated, tag = "12")]
    pub child: Vec<Node>,
    #[prost(string, tag = "13")]
    pub parent_type: String,
    #[prost(string, tag = "14")]
    pub original_field_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct TracedError {
    #[prost(string, tag = "1")]
    pub message: String,
    #[prost(string, tag = "4")]
    pub json: String,
}

impl Trace {
    /// The trace of an answer, where it has one.
    pub fn of(body: &Value) -> Option<Self> {
        let text = body["extensions"]["ftv1"].as_str()?;
        Some(Self::decode(STANDARD.decode(text).unwrap().as_slice()).unwrap())
    }

    pub fn nodes(&self) -> usize {
        fn below(node: &Node) -> usize {
            node.child.iter().map(|child| 1 + below(child)).sum()
        }
        below(self.root.as_ref().unwrap())
    }

    pub fn errors(&self) -> usize {
        fn below(node: &Node) -> usize {
            node.error.len() + node.child.iter().map(below).sum::<usize>()
        }
        below(self.root.as_ref().unwrap())
    }
}

impl Node {
    /// Whether its children are the fields or items of this value, and no others; `__…` fields are none.
    pub fn is_of(&self, value: &Value) -> bool {
        match value {
            Value::Array(items)
                if items.iter().any(|item| item.is_object() || item.is_array()) || !self.child.is_empty() =>
            {
                self.child.len() == items.len()
                    && (0..)
                        .zip(&self.child)
                        .zip(items)
                        .all(|((n, child), item)| child.index == Some(n) && child.is_of(item))
            }
            Value::Object(fields) => {
                let named = |key: &String| self.child.iter().find(|child| child.response_name.as_ref() == Some(key));
                let known = |child: &Node| child.response_name.as_ref().is_some_and(|key| fields.contains_key(key));
                self.child.iter().all(known)
                    && fields.iter().all(|(key, value)| match named(key) {
                        Some(child) => child.is_of(value),
                        // Only what is about the schema is left out; under which name, the document alone knows.
                        None => value.is_string() || value.is_object() || value.is_null(),
                    })
            }
            _ => self.child.is_empty(),
        }
    }
}
