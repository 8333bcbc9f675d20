//! Logs: tracing events on standard error, for people or as JSON lines.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config;

/// Libraries that print bytes and headers at their lower levels, and so never log below this whatever is configured.
const CAPPED: [&str; 7] =
    ["hyper=warn", "hyper_util=warn", "h2=warn", "reqwest=warn", "rustls=warn", "tower=warn", "async_graphql=warn"];

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLog {
    /// `log.level` is no filter.
    #[error("log.level is not a tracing filter such as \"info\" or \"flowmatix_graphql=debug\"")]
    Level,
    /// Something else in this process logs already.
    #[error("logging was set up twice")]
    Twice,
}

/// Starts logging for the whole process.
///
/// # Errors
/// [`InvalidLog`] when the level cannot be read, or when logging was set up before.
pub fn start_logs(settings: &config::Log) -> Result<(), InvalidLog> {
    let mut filter = EnvFilter::try_new(&settings.level).map_err(|_| InvalidLog::Level)?;
    for directive in CAPPED {
        filter = filter.add_directive(directive.parse().map_err(|_| InvalidLog::Level)?);
    }
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match settings.format {
        config::LogFormat::Pretty => {
            let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
            registry.with(layer.with_ansi(ansi)).try_init()
        }
        config::LogFormat::Json => registry.with(layer.json().flatten_event(true).with_span_list(false)).try_init(),
    }
    .map_err(|_| InvalidLog::Twice)
}
