//! A log line: as the library writes it, with the request that it is about.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::TaskContext;

/// The library's format, and `request_id` and `trace_id` at the end of the lines of a request.
///
/// A span of the library would do the same. It is entered at each step of a request, also where nothing is logged.
pub(super) struct WithRequest<F> {
    pub(super) format: F,
    /// Whether lines are JSON objects.
    pub(super) json: bool,
}

impl<S, N, F> FormatEvent<S, N> for WithRequest<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(request) = TaskContext::logged_request() else {
            return self.format.format_event(context, out, event);
        };
        let mut line = String::new();
        self.format.format_event(context, Writer::new(&mut line), event)?;
        let (line, end) = match line.strip_suffix("}\n").filter(|_| self.json) {
            Some(line) => (line, "}"),
            None => (line.trim_end_matches('\n'), ""),
        };
        // The ids need no escapes: they are checked when a request comes, or made here.
        out.write_str(line)?;
        match (self.json, request.id(), request.trace) {
            (true, id, None) => write!(out, r#","request_id":"{id}""#)?,
            (true, id, Some(trace)) => write!(out, r#","request_id":"{id}","trace_id":"{trace}""#)?,
            (false, id, None) => write!(out, " request_id={id}")?,
            (false, id, Some(trace)) => write!(out, " request_id={id} trace_id={trace}")?,
        }
        writeln!(out, "{end}")
    }
}
