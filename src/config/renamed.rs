//! Renamed settings: a name from an earlier version is refused, and the message says the new one.

/// Earlier names and the names that replaced them.
const RENAMED: [(&str, &str); 13] = [
    ("http.wrong_tokens_limit", "http.failed_auth_limit"),
    ("http.hosts", "http.allowed_hosts"),
    ("http.get_needs_preflight", "http.csrf_protection"),
    ("graphql.prepared_limit", "graphql.operation_cache_limit"),
    ("graphql.reuse_limit", "graphql.response_cache_limit"),
    ("roster.patience", "roster.stale_wait"),
    ("roster.fresh", "roster.fresh_for"),
    ("roster.stale", "roster.stale_for"),
    ("upstream.retry_share", "upstream.retry_ratio"),
    ("budget.plan", "budget.calls_per_hour"),
    ("budget.share", "budget.utilization"),
    ("budget.reserve", "budget.reserve_ratio"),
    ("budget.caller_share", "budget.max_caller_ratio"),
];

/// The new name of a setting that was renamed, given by its path (`roster.fresh`).
pub(super) fn new_path(path: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(old, _)| *old == path).map(|(_, new)| *new)
}

/// The new name of an environment variable whose setting was renamed.
pub(super) fn new_variable(name: &str) -> Option<String> {
    RENAMED.iter().find(|(old, _)| variable(old) == name).map(|(_, new)| variable(new))
}

fn variable(path: &str) -> String {
    format!("FLOWMATIX_{}", path.replace('.', "_").to_uppercase())
}
