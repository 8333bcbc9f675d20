//! Logs: tracing events on standard error, for people or as JSON lines.

use std::sync::OnceLock;

use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, reload};

use super::log_format::WithRequest;
use crate::config;

/// Libraries that log bytes and headers at TRACE: their level is capped whatever is configured.
const CAPPED: [&str; 7] = ["hyper", "hyper_util", "h2", "reqwest", "rustls", "tower", "async_graphql"];

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLog {
    /// `log.level` is not a valid filter.
    #[error("log.level is not a tracing filter such as \"info\" or \"flowmatix_graphql=debug\"")]
    Level,
    /// A logger is already installed in this process.
    #[error("logging was set up twice")]
    Twice,
}

/// Starts logging for the whole process.
///
/// # Errors
/// [`InvalidLog`] when the level is invalid, or a logger is already installed.
pub fn start_logs(settings: &config::LogConfig) -> Result<(), InvalidLog> {
    let filter = EnvFilter::try_new(&settings.level).map_err(|_| InvalidLog::Level)?;
    let (filter, handle) = reload::Layer::new(filter);
    // A separate layer: a directive for one of their modules would override one for the library.
    let capped = filter_fn(|event| *event.level() <= Level::WARN || !is_capped(event.target()));
    let registry = tracing_subscriber::registry().with(filter).with(capped);
    // A panic's message may contain personal data; its location is enough to find it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panicked");
    }));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match settings.format {
        config::LogFormat::Pretty => {
            let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
            let format = WithRequest { format: format().with_ansi(ansi), json: false };
            registry.with(layer.event_format(format)).try_init()
        }
        config::LogFormat::Json => {
            let json = format().json().flatten_event(true).with_current_span(false).with_span_list(false);
            let format = WithRequest { format: json, json: true };
            registry.with(layer.fmt_fields(JsonFields::new()).event_format(format)).try_init()
        }
    }
    .map_err(|_| InvalidLog::Twice)?;
    let _ = LEVEL.set(handle);
    Ok(())
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
    CAPPED.contains(&target.split("::").next().unwrap_or_default())
}
