//! A log line for a terminal: as the library writes it, with the request that it is about.

use std::fmt::{self, Write as _};

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::TaskContext;

/// Room for most lines, in bytes.
pub(super) const ROOM: usize = 512;

/// The library's format, and `request_id` and `trace_id` at the end of the lines of a request.
///
/// A span of the library would do the same. It is entered at each step of a request, also where nothing is logged.
pub(super) struct WithRequest<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for WithRequest<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::with_capacity(ROOM);
        self.0.format_event(context, Writer::new(&mut line), event)?;
        line.truncate(line.trim_end_matches('\n').len());
        end_line(&mut line);
        out.write_str(&line)
    }
}

/// Ends a line with the request that it is about. The ids need no escapes: they are checked when a request comes, or made here.
pub(super) fn end_line(line: &mut String) {
    if let Some(request) = TaskContext::logged_request() {
        line.push_str(" request_id=");
        line.push_str(request.id());
        if let Some(trace) = request.trace {
            // A text takes what is written to it.
            let _ = write!(line, " trace_id={trace}");
        }
    }
    line.push('\n');
}
