//! Forms: texts that would be taken and mean nothing, such as a log level that is misspelt.

use tracing_subscriber::EnvFilter;

use super::root::Config;

impl Config {
    pub(super) fn forms(&self, problems: &mut Vec<String>) {
        let mut refuse = |wrong: bool, problem: &str| {
            if wrong {
                problems.push(problem.to_owned());
            }
        };
        refuse(
            !is_log_filter(&self.log.level),
            "log.level: expected a level (`off`, `error`, `warn`, `info`, `debug` or `trace`), or directives such as \
             `info,flowmatix_graphql::http=debug`",
        );
        // A secret that was put here by mistake must not be shown, so the text is not.
        let variables = [
            ("auth.credential_env", &self.auth.credential_env),
            ("federation.secret_env", &self.federation.secret_env),
            ("cache_tags.secret_env", &self.cache_tags.secret_env),
            ("cache_tags.webhook_secret_env", &self.cache_tags.webhook_secret_env),
        ];
        for (path, name) in variables {
            refuse(
                name.as_ref().is_some_and(|name| !is_variable_name(name)),
                &format!("{path}: expected the name of an environment variable (letters, digits and _), not its value"),
            );
        }
        for (setting, path) in [("upstream.path", &self.upstream.path), ("tokens.path", &self.tokens.path)] {
            refuse(
                !path.starts_with('/') || path.contains(['?', '#']) || !path.bytes().all(|b| b.is_ascii_graphic()),
                &format!("{setting}: expected a path that begins with /, without query and fragment"),
            );
        }
        let any_origin = self.http.cors_origins.iter().any(|origin| origin == "*");
        refuse(
            !any_origin && !self.http.cors_origins.iter().all(|origin| is_origin(origin)),
            "http.cors_origins: expected origins such as `https://app.example`, without a path",
        );
        for (setting, hosts) in [
            ("http.allowed_hosts", &self.http.allowed_hosts),
            ("cache_tags.webhook_hosts", &self.cache_tags.webhook_hosts),
        ] {
            refuse(
                !hosts.iter().all(|host| is_host(host)),
                &format!("{setting}: expected host names such as `graph.example`, without scheme, port and path"),
            );
        }
    }
}

/// Whether every directive is a level, or names a target. A bare word that is no level is a target for the library, so that a
/// misspelt level would silence the log.
fn is_log_filter(text: &str) -> bool {
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = |word: &str| levels.iter().any(|level| level.eq_ignore_ascii_case(word));
    // Directives with fields have commas of their own.
    let known = |directive: &str| {
        directive.contains('=') || matches!(directive.trim(), word if word.is_empty() || is_level(word))
    };
    EnvFilter::try_new(text).is_ok() && (text.contains(['[', '{']) || text.split(',').all(known))
}

fn is_variable_name(text: &str) -> bool {
    text.len() <= 100
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !text.starts_with(|first: char| first.is_ascii_digit())
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty() && !host.contains(['/', '*', '@', '?', '#']) && host.bytes().all(|b| b.is_ascii_graphic())
    })
}

/// A name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
    }
}
