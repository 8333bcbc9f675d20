//! The fields of a log line for people: as the library writes them, without its styles for each part of each field where a line has
//! none.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing_subscriber::field::{RecordFields, VisitOutput};
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultVisitor, Writer};

/// Writes fields as `name=value`.
pub(super) struct PlainFields;

impl<'w> FormatFields<'w> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = FieldWriter { writer, is_empty: true, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct FieldWriter<'w> {
    writer: Writer<'w>,
    is_empty: bool,
    result: fmt::Result,
}

impl FieldWriter<'_> {
    /// Whether the field needs nothing that only the library knows.
    fn is_plain(&self, field: &Field) -> bool {
        !self.writer.has_ansi_escapes() && field.name() != "message" && !field.name().starts_with("r#")
    }

    fn plain(&mut self, field: &Field, write: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let is_first = std::mem::take(&mut self.is_empty);
        let all = || {
            self.writer.write_str(if is_first { "" } else { " " })?;
            self.writer.write_str(field.name())?;
            self.writer.write_char('=')?;
            write(&mut self.writer)
        };
        self.result = self.result.and_then(|()| all());
    }

    fn by_library(&mut self, record: impl FnOnce(&mut DefaultVisitor<'_>)) {
        if self.result.is_ok() {
            let mut visitor = DefaultVisitor::new(self.writer.by_ref(), self.is_empty);
            record(&mut visitor);
            self.result = visitor.finish();
            self.is_empty = false;
        }
    }
}

impl Visit for FieldWriter<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if self.is_plain(field) {
            self.plain(field, |writer| write!(writer, "{value:?}"));
        } else {
            self.by_library(|library| library.record_f64(field, value));
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if self.is_plain(field) {
            self.plain(field, |writer| writer.write_str(itoa::Buffer::new().format(value)));
        } else {
            self.by_library(|library| library.record_u64(field, value));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let needs_escapes = value.bytes().any(|byte| !matches!(byte, b' '..=b'~') || byte == b'"' || byte == b'\\');
        if self.is_plain(field) && !needs_escapes {
            self.plain(field, |writer| {
                writer.write_char('"')?;
                writer.write_str(value)?;
                writer.write_char('"')
            });
        } else {
            self.by_library(|library| library.record_str(field, value));
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.by_library(|library| library.record_error(field, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.by_library(|library| library.record_debug(field, value));
    }
}
