//! A log line for people that goes to no terminal: as the library writes it, in one buffer, without asking for the style of each part.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::VisitOutput;
use tracing_subscriber::fmt::format::{DefaultVisitor, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::log_format::{ROOM, end_line};
use super::log_time::line_time;

/// Writes lines as text: the time, the level, the target, the fields and the request.
pub(super) struct PlainLines;

impl<S, N> FormatEvent<S, N> for PlainLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut text = String::with_capacity(ROOM);
        text.push_str(std::str::from_utf8(&line_time()?).map_err(|_| fmt::Error)?);
        text.push_str(padded(*event.metadata().level()));
        text.push_str(event.metadata().target());
        text.push(':');
        let mut line = PlainLine { text, result: Ok(()) };
        event.record(&mut line);
        line.result?;
        end_line(&mut line.text);
        out.write_str(&line.text)
    }
}

/// Levels as wide as the longest, so that targets stand below each other.
fn padded(level: Level) -> &'static str {
    match level {
        Level::ERROR => " ERROR ",
        Level::WARN => "  WARN ",
        Level::INFO => "  INFO ",
        Level::DEBUG => " DEBUG ",
        Level::TRACE => " TRACE ",
    }
}

/// A line up to its last field.
struct PlainLine {
    text: String,
    result: fmt::Result,
}

impl PlainLine {
    fn name(&mut self, field: &Field) {
        let name = field.name();
        self.text.push(' ');
        self.text.push_str(name.strip_prefix("r#").unwrap_or(name));
        self.text.push('=');
    }

    fn by_library(&mut self, record: impl FnOnce(&mut DefaultVisitor<'_>)) {
        if self.result.is_ok() {
            let mut visitor = DefaultVisitor::new(Writer::new(&mut self.text), false);
            record(&mut visitor);
            self.result = visitor.finish();
        }
    }
}

impl Visit for PlainLine {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.name(field);
        self.result = self.result.and(write!(self.text, "{value:?}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        self.text.push_str(itoa::Buffer::new().format(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if needs_escapes(value) || field.name() == MESSAGE {
            return self.by_library(|library| library.record_str(field, value));
        }
        self.name(field);
        self.text.push('"');
        self.text.push_str(value);
        self.text.push('"');
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.by_library(|library| library.record_error(field, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == MESSAGE {
            let start = self.text.len();
            let result = write!(self.text, " {value:?}");
            if !needs_escapes(&self.text[start..]) {
                self.result = self.result.and(result);
                return;
            }
            self.text.truncate(start);
        }
        self.by_library(|library| library.record_debug(field, value));
    }
}

/// The field that stands without its name.
const MESSAGE: &str = "message";

/// Whether there are characters that the library writes as others, or might.
fn needs_escapes(value: &str) -> bool {
    // Without a way out at the first, several bytes are looked at in one step.
    value.bytes().fold(false, |needs, byte| needs | !matches!(byte, b' '..=b'~') | (byte == b'"') | (byte == b'\\'))
}
