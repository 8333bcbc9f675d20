//! Variables as they were sent: the text of a JSON object, of which values are made once their types are known.

use bytes::Bytes;
use serde_json::Value;

use crate::graphql::limits::VariablesSize;

/// A request's variables, as JSON.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// UTF-8, as it was checked with the rest of the body that it may be a part of.
    text: Option<Bytes>,
    size: VariablesSize,
}

impl Variables {
    /// Variables of the text of a JSON object in which no key comes twice and every number is finite, as the transport has
    /// checked.
    #[must_use]
    pub fn new(object: Option<&str>) -> Self {
        Self {
            text: object.map(|text| Bytes::copy_from_slice(text.as_bytes())),
            size: object.map_or_else(VariablesSize::default, VariablesSize::of),
        }
    }

    /// The same, of a text that lies in a body, which is kept instead of a copy.
    ///
    /// # Panics
    /// When it does not lie there.
    #[must_use]
    pub fn within(body: &Bytes, object: Option<&str>) -> Self {
        Self {
            text: object.map(|text| body.slice_ref(text.as_bytes())),
            size: object.map_or_else(VariablesSize::default, VariablesSize::of),
        }
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
        self.text.as_deref().and_then(|text| std::str::from_utf8(text).ok())
    }

    pub(in crate::graphql) fn size(&self) -> VariablesSize {
        self.size
    }
}
