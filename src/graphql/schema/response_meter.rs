//! The response meter: counts the bytes of one answer while async-graphql resolves it, and says when it may not go on: past its
//! limit, or when it is no longer wanted.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::parser::types::Field;
use async_graphql::{Positioned, ServerError, ServerResult, Value};

use crate::model::Cancellation;

/// An error counts as so many bytes.
const ERROR: usize = 4 << 10;

/// Counts the bytes of one answer.
pub(in crate::graphql) struct ResponseMeter {
    limit: usize,
    bytes: AtomicUsize,
    /// How many members were resolved.
    rows: AtomicUsize,
    cancellation: Cancellation,
}

impl ResponseMeter {
    pub(in crate::graphql) fn new(limit: usize, cancellation: Cancellation) -> Self {
        Self { limit, bytes: AtomicUsize::new(0), rows: AtomicUsize::new(0), cancellation }
    }

    /// How many members were resolved, each as often as it is shown.
    pub(in crate::graphql) fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    pub(super) fn add_row(&self) {
        self.rows.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the answer is longer than allowed, as far as it was built.
    pub(in crate::graphql) fn is_exceeded(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.limit
    }

    pub(super) fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// The first item that may not go on ends its list, and all lists around it.
    pub(super) fn check(&self, field: &Positioned<Field>) -> ServerResult<()> {
        if self.is_exceeded() || self.cancellation.check().is_err() {
            return Err(ServerError::new("the answer is not built to its end", Some(field.pos)));
        }
        Ok(())
    }

    /// Counts an error, which takes more memory than its text until the answer is written.
    pub(super) fn add_error(&self) {
        self.bytes.fetch_add(ERROR, Ordering::Relaxed);
    }

    pub(super) fn add(&self, value: &Value) {
        self.bytes.fetch_add(length(value), Ordering::Relaxed);
    }
}

/// About how many bytes of JSON a value has. Objects in lists have been counted on their own.
fn length(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Number(_) => 8,
        Value::Boolean(_) => 5,
        Value::String(text) => text.len() + 2,
        Value::Enum(name) => name.len() + 2,
        Value::Binary(bytes) => bytes.len(),
        Value::List(items) if matches!(items.first(), Some(Value::Object(_))) => items.len(),
        Value::List(items) => items.iter().map(|item| length(item) + 1).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + 4 + length(value)).sum(),
    }
}
