//! Logs: tracing events on standard error, for people or as JSON lines.

use std::sync::OnceLock;
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, reload};

use super::log_buffer::LogBuffer;
use super::log_format::WithRequest;
use super::log_json::JsonLines;
use super::log_plain::PlainLines;
use super::log_time::LineTime;
use crate::config;

/// Libraries that log bytes and headers at TRACE: their level is capped whatever is configured.
const CAPPED: [&str; 7] = ["hyper", "hyper_util", "h2", "reqwest", "rustls", "tower", "async_graphql"];

/// The longest that the end of the process waits for a standard error that takes nothing.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);
/// The longest that a panic does.
const PANIC_LIMIT: Duration = Duration::from_millis(100);

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLog {
    /// `log.level` is not a valid filter.
    #[error("log.level is not a tracing filter such as \"info\" or \"flowmatix_graphql=debug\"")]
    Level,
    /// A logger is already installed in this process.
    #[error("logging was set up twice")]
    Twice,
    /// There can be no thread that writes the log.
    #[error("there can be no thread that writes the log: {0}")]
    NoThread(std::io::Error),
}

/// Starts logging for the whole process.
///
/// # Errors
/// [`InvalidLog`] when the level is invalid, a logger is already installed, or there can be no thread for it.
pub fn start_logs(settings: &config::LogConfig) -> Result<(), InvalidLog> {
    let filter = EnvFilter::try_new(&settings.level).map_err(|_| InvalidLog::Level)?;
    let (filter, handle) = reload::Layer::new(filter);
    // A separate layer: a directive for one of their modules would override one for the library.
    let capped = filter_fn(|event| *event.level() <= Level::WARN || !is_capped(event.target()));
    let registry = tracing_subscriber::registry().with(filter).with(capped);
    let buffer = LogBuffer::start().map_err(InvalidLog::NoThread)?;
    // A panic's message may contain personal data; its location is enough to find it. It may be the end of the process.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panicked");
        flush(PANIC_LIMIT);
    }));
    let layer = tracing_subscriber::fmt::layer().with_writer(buffer.clone());
    match settings.format {
        config::LogFormat::Pretty if std::io::IsTerminal::is_terminal(&std::io::stderr()) => {
            let format = WithRequest(format().with_timer(LineTime).with_ansi(true));
            registry.with(layer.event_format(format)).try_init()
        }
        config::LogFormat::Pretty => registry.with(layer.event_format(PlainLines)).try_init(),
        config::LogFormat::Json => registry.with(layer.event_format(JsonLines)).try_init(),
    }
    .map_err(|_| InvalidLog::Twice)?;
    let _ = LEVEL.set(handle);
    let _ = BUFFER.set(buffer);
    Ok(())
}

/// The lines that are not written yet.
static BUFFER: OnceLock<LogBuffer> = OnceLock::new();

/// Waits until the log is written, for a second at most. At the end of the process, what is not written then is lost.
pub fn flush_logs() {
    flush(FLUSH_LIMIT / 2);
    // That lines were dropped is known when those before are written.
    flush(FLUSH_LIMIT / 2);
}

fn flush(limit: Duration) {
    if let Some(buffer) = BUFFER.get() {
        buffer.flush(limit);
    }
}

/// The filter that is in effect.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Changes `log.level`. Without logs, or for a text that is no filter, nothing happens.
pub fn set_log_level(level: &str) {
    if let (Some(handle), Ok(filter)) = (LEVEL.get(), EnvFilter::try_new(level)) {
        let _ = handle.reload(filter);
    }
}

fn is_capped(target: &str) -> bool {
    CAPPED.contains(&target.split(':').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::io::{PipeWriter, Read as _};
    use std::sync::Arc;

    use tracing::Dispatch;
    use tracing_subscriber::fmt::layer;

    use super::*;

    /// Events with fields of every kind, as lines, without their times.
    fn lines(of: impl FnOnce(Arc<PipeWriter>) -> Dispatch) -> Vec<String> {
        let (mut reader, writer) = std::io::pipe().unwrap();
        tracing::dispatcher::with_default(&of(Arc::new(writer)), || {
            let problem: &(dyn std::error::Error + 'static) = &InvalidLog::NoThread(std::io::Error::other("a \"b\""));
            let (raw, none) = ("raw", None::<&str>);
            tracing::info!(text = "a", escaped = "a \"b\" \\ \n \u{e9} \u{1b}[31m", none, some = Some("b"), "told");
            tracing::warn!(
                count = 3_u64,
                less = -3_i64,
                yes = true,
                part = 1.942_979,
                whole = 2.0,
                "told {}",
                "\u{1b}[31m"
            );
            tracing::error!(small = 1e-7, large = 1e300, no = f64::NAN, r#type = raw, number = 5_u128, problem);
            tracing::info!(shown = %"x \"y", debugged = ?["x \"y", "\u{e9}"], empty = "", "told");
            tracing::info!("told alone");
        });
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let timeless = |line: &str| {
            let time = line.find("20").unwrap();
            assert_eq!(&line[time + 26..time + 27], "Z", "{line}");
            format!("{}{}", &line[..time], &line[time + 27..])
        };
        text.lines().map(timeless).collect()
    }

    #[test]
    fn lines_for_people_are_as_the_library_writes_them() {
        let subscriber = tracing_subscriber::registry;
        let library = |ansi| lines(|out| subscriber().with(layer().with_ansi(ansi).with_writer(out)).into());
        let terminal = WithRequest(format().with_timer(LineTime).with_ansi(true));
        let shown = lines(|out| subscriber().with(layer().with_writer(out).event_format(terminal)).into());
        assert_eq!(shown, library(true));
        let plain = lines(|out| subscriber().with(layer().with_writer(out).event_format(PlainLines)).into());
        assert_eq!(plain, library(false));
    }

    #[test]
    fn json_lines_are_as_the_library_writes_them() {
        let subscriber = tracing_subscriber::registry;
        let json = || layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
        let library = lines(|out| subscriber().with(json().with_writer(out)).into());
        let ours = lines(|out| subscriber().with(layer().with_writer(out).event_format(JsonLines)).into());
        assert_eq!(ours, library);
    }
}
