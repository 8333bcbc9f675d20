//! A log line as a JSON object: the form of the library, written into one buffer, with the request that it is about.

use std::fmt;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::TaskContext;
use super::log_format::ROOM;
use super::log_time::line_time;

/// Writes lines as JSON objects: the time, the level, the fields, the target and the request.
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = LineMembers { text: Vec::with_capacity(ROOM), result: Ok(()) };
        line.text.extend_from_slice(b"{\"timestamp\":\"");
        line.text.extend_from_slice(&line_time()?);
        line.text.push(b'"');
        line.member("level", event.metadata().level().as_str());
        event.record(&mut line);
        line.member("target", event.metadata().target());
        if let Some(request) = TaskContext::logged_request() {
            line.member("request_id", request.id());
            if let Some(trace) = request.trace {
                line.member("trace_id", &format_args!("{trace}"));
            }
        }
        line.text.extend_from_slice(b"}\n");
        line.result?;
        out.write_str(std::str::from_utf8(&line.text).map_err(|_| fmt::Error)?)
    }
}

/// The members of an object, after its first.
struct LineMembers {
    text: Vec<u8>,
    result: fmt::Result,
}

impl LineMembers {
    /// Writes a member. Names are identifiers, which need no escapes.
    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.text.extend_from_slice(b",\"");
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b"\":");
        if serde_json::to_writer(&mut self.text, value).is_err() {
            self.result = Err(fmt::Error);
        }
    }
}

impl Visit for LineMembers {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field.name(), &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field.name(), &format_args!("{value:?}"));
    }
}
