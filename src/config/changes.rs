//! The changes between two configurations, and which of them only a restart can apply.

use super::root::Config;

/// Sections and settings that are built into what outlives a reload: sockets, the upstream client, rosters, ledgers.
const RESTART: [&str; 21] = [
    "http.listen",
    "http.timeout",
    "http.uri_limit",
    "http.headers_limit",
    "http.header_bytes_limit",
    "http.first_request_timeout",
    "http.drain_delay",
    "http.grace_period",
    "http.tls",
    "admin.listen",
    "graphql.compute_queue_limit",
    "cache_tags",
    "auth.mode",
    "roster",
    "upstream",
    "tokens.path",
    "budget",
    "cluster",
    "log.format",
    "traces",
    "demo",
];

impl Config {
    /// Whether a change of this setting is applied by a restart alone.
    #[must_use]
    pub fn needs_restart(path: &str) -> bool {
        RESTART
            .iter()
            .any(|known| path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }

    /// The settings whose values differ from those of another configuration.
    #[must_use]
    pub fn changes(&self, other: &Self) -> Vec<String> {
        let pairs = self.settings().into_iter().zip(other.settings());
        pairs.filter(|(one, other)| one.value != other.value).map(|(one, _)| one.path).collect()
    }

    /// Takes over the values that another configuration has for these settings.
    pub fn keep(&mut self, paths: &[String], other: &Self) {
        for setting in other.settings().iter().filter(|setting| paths.contains(&setting.path)) {
            // It is a value that was printed, in the form that is read.
            let _ = self.set(&setting.path, &setting.value);
        }
    }
}
