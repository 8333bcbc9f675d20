//! Lower bounds: with values below them the service would start, and answer no request.

use std::time::Duration;

use super::root::Config;

/// The shortest time-out. A shorter one is over before anything can happen.
const SHORTEST: Duration = Duration::from_millis(1);
/// The least size of a body. A shorter one holds no request and no response.
const SMALLEST: u64 = 64;

impl Config {
    pub(super) fn lower_bounds(&self, problems: &mut Vec<String>) {
        let (http, graphql, upstream, jwt) = (&self.http, &self.graphql, &self.upstream, &self.jwt);
        let mut expect = |path: &str, is_enough: bool, least: &str| {
            if !is_enough {
                problems.push(format!("{path}: expected at least {least}"));
            }
        };
        for (path, time) in [
            ("http.timeout", http.timeout),
            ("http.first_request_timeout", http.first_request_timeout),
            ("http.send_timeout", http.send_timeout),
            ("http.idle_timeout", http.idle_timeout),
            ("http.tls.handshake_timeout", self.http_tls.handshake_timeout),
            ("upstream.timeout", upstream.timeout),
            ("upstream.attempt_timeout", upstream.attempt_timeout),
            ("upstream.connect_timeout", upstream.connect_timeout),
            ("cache_tags.webhook_timeout", self.cache_tags.webhook_timeout),
        ] {
            expect(path, time >= SHORTEST, "1ms");
        }
        for (path, time) in [
            ("jwt.fetch_interval", jwt.fetch_interval),
            ("jwt.keys_max_age", jwt.keys_max_age),
            ("jwt.lifetime_limit", jwt.lifetime_limit),
        ] {
            expect(path, time >= Duration::from_secs(1), "1s");
        }
        for (path, size) in [
            ("http.body_limit", http.body_limit),
            ("graphql.document_limit", graphql.document_limit),
            ("graphql.response_limit", graphql.response_limit),
            ("upstream.body_limit", upstream.body_limit),
        ] {
            expect(path, size.as_u64() >= SMALLEST, "64B");
        }
        // The smallest query has a name and two brackets.
        expect("graphql.tokens_limit", graphql.tokens_limit >= 3, "3");
        for (path, count) in [
            ("http.connections_limit", http.connections_limit),
            ("http.peer_connections_limit", http.peer_connections_limit),
            ("http.concurrency", http.concurrency),
            ("graphql.nesting_limit", graphql.nesting_limit),
            ("graphql.selections_limit", graphql.selections_limit),
            ("graphql.depth_limit", graphql.depth_limit),
            ("graphql.root_fields_limit", graphql.root_fields_limit),
            ("graphql.cost_limit", graphql.cost_limit),
            ("graphql.errors_limit", graphql.errors_limit),
            ("loader.concurrency", self.loader.concurrency),
            ("upstream.concurrency", upstream.concurrency),
            ("upstream.rows_limit", upstream.rows_limit),
            ("upstream.pages_limit", upstream.pages_limit as usize),
            ("budget.calls_per_hour", self.budget.calls_per_hour as usize),
            ("cache_tags.limit", self.cache_tags.limit),
            ("cache_tags.webhook_retries", self.cache_tags.webhook_retries as usize),
            ("cache_tags.webhook_queue_limit", self.cache_tags.webhook_queue_limit),
        ] {
            expect(path, count >= 1, "1");
        }
    }
}
