//! The errors of an answer, in JSON from the start: an answer may have thousands of them, and each has a path of its own.

use async_graphql::{Error, ErrorExtensionValues, Pos, ServerError, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::graphql::error::Code;

/// The errors, in order.
#[derive(Debug, Default)]
pub(super) struct AnswerErrors {
    /// With a comma after each.
    json: Vec<u8>,
    count: usize,
    codes: Vec<&'static str>,
}

/// A step of a path through an answer: a response key, or a place in a list.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Segment<'p> {
    Key(&'p str),
    Index(usize),
}

/// An error as the answer has it.
#[derive(Serialize)]
struct WrittenError<'e> {
    message: &'e str,
    locations: [Pos; 1],
    path: &'e [Segment<'e>],
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: &'e Option<ErrorExtensionValues>,
}

impl AnswerErrors {
    pub(super) fn of(errors: &[ServerError]) -> Self {
        let mut all = Self::default();
        for error in errors {
            all.write(error, error.extensions.as_ref());
        }
        all
    }

    /// An error of the field at this path, which stands here in the document.
    pub(super) fn push(&mut self, error: &Error, pos: Pos, path: &[Segment<'_>]) {
        // An argument that cannot be coerced says where it stands.
        let pos = error.source.as_ref().and_then(|source| source.downcast_ref().copied()).unwrap_or(pos);
        let written = WrittenError { message: &error.message, locations: [pos], path, extensions: &error.extensions };
        self.write(&written, error.extensions.as_ref());
    }

    fn write(&mut self, error: &impl Serialize, extensions: Option<&ErrorExtensionValues>) {
        // Neither these nor vectors fail to be written.
        let _ = serde_json::to_writer(&mut self.json, error);
        self.json.push(b',');
        self.count += 1;
        let Some(Value::String(name)) = extensions.and_then(|extensions| extensions.get("code")) else {
            return;
        };
        if !self.codes.contains(&name.as_str()) {
            self.codes.extend(Code::ALL.iter().map(|code| code.name()).find(|code| code == name));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The codes of them, each once.
    pub(super) fn codes(&self) -> &[&'static str] {
        &self.codes
    }

    /// Appends them as a list.
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        out.extend_from_slice(self.json.strip_suffix(b",").unwrap_or_default());
        out.push(b']');
    }

    /// Reads them as a list of this type.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Vec<T> {
        let mut list = Vec::new();
        self.write_to(&mut list);
        serde_json::from_slice(&list).unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
