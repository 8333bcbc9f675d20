//! Variables as they were sent: the text of a JSON object, of which values are made once their types are known.

use serde_json::Value;

use crate::graphql::limits::VariablesSize;

/// A request's variables, as JSON.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    text: Option<Box<str>>,
    size: VariablesSize,
}

impl Variables {
    /// Variables of the text of a JSON object in which no key comes twice and every number is finite, as the transport has
    /// checked.
    #[must_use]
    pub fn new(object: Option<&str>) -> Self {
        Self { text: object.map(Into::into), size: object.map_or_else(VariablesSize::default, VariablesSize::of) }
    }

    /// Variables of a JSON object.
    #[must_use]
    pub fn from_json(object: Value) -> Self {
        Self::new(Some(&object.to_string()))
    }

    /// How many bytes their values will take besides the text, approximately. No more of them are made than `nodes_limit`.
    #[must_use]
    pub fn memory(&self, nodes_limit: usize) -> usize {
        self.size.memory(nodes_limit)
    }

    /// The length of the text, in bytes.
    #[must_use]
    pub fn text_length(&self) -> usize {
        self.size.bytes
    }

    pub(in crate::graphql) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    pub(in crate::graphql) fn size(&self) -> VariablesSize {
        self.size
    }
}
