//! The checks across settings: finds values that are valid alone and contradict each other. All mistakes are reported
//! at once.

use std::net::SocketAddr;
use std::time::Duration;

use super::root::{Config, Profile};
use super::{AuthMode, Safelist, Size};

impl Config {
    /// All contradictions, one line each.
    pub(super) fn contradictions(&self, profile: Profile) -> Vec<String> {
        let mut problems = Vec::new();
        self.lower_bounds(&mut problems);
        self.forms(&mut problems);
        let mut refuse = |wrong: bool, problem: &str| {
            if wrong {
                problems.push(problem.to_owned());
            }
        };
        refuse(
            self.account.email.is_some() != self.account.user_type.is_some(),
            "account.email and account.type: set both or neither",
        );
        refuse(
            !(1..=self.graphql.page_max).contains(&self.graphql.page_default),
            "graphql.page_default: expected 1 to graphql.page_max",
        );
        refuse(
            self.graphql.nesting_limit > 64,
            "graphql.nesting_limit: expected at most 64, which parser and stack can take",
        );
        refuse(self.graphql.batch_limit > 10, "graphql.batch_limit: expected at most 10");
        refuse(self.graphql.page_max > 100_000, "graphql.page_max: expected at most 100000");
        let small = |size: Size| (1 << 10..=1 << 20).contains(&size.as_u64());
        refuse(
            !small(self.http.uri_limit) || !small(self.http.header_bytes_limit),
            "http.uri_limit and http.header_bytes_limit: expected 1KiB to 1MiB",
        );
        refuse(!(10..=1000).contains(&self.http.headers_limit), "http.headers_limit: expected 10 to 1000");
        refuse(self.http.caller_concurrency == Some(0), "http.caller_concurrency: expected at least 1");
        refuse(
            self.http.bodies_limit.as_u64() < 4 * self.http.body_limit.as_u64(),
            "http.bodies_limit: expected at least four times http.body_limit, so that one caller's part holds a body",
        );
        refuse(
            self.http.responses_limit.as_u64() < 8 * self.graphql.response_limit.as_u64(),
            "http.responses_limit: expected at least eight times graphql.response_limit, so that one caller's part holds an answer",
        );
        refuse(
            self.http.failed_auth_rate > 10_000,
            "http.failed_auth_rate: expected at most 10000: twice as many refusals of an address wait",
        );
        refuse(self.graphql.compute_queue_limit < 2, "graphql.compute_queue_limit: expected at least 2");
        refuse(
            self.http.proxy_protocol && self.http.trusted_proxies.is_empty(),
            "http.proxy_protocol: needs http.trusted_proxies, whose connections begin with its header",
        );
        refuse(self.http.rate_limit > 0 && self.http.rate_burst == 0, "http.rate_burst: expected at least 1");
        refuse(
            self.upstream.connect_timeout > self.upstream.attempt_timeout
                || self.upstream.attempt_timeout > self.upstream.timeout
                || self.upstream.timeout >= self.http.timeout,
            "upstream.connect_timeout, upstream.attempt_timeout, upstream.timeout and http.timeout: \
             each must fit into the next",
        );
        refuse(
            self.upstream.url.is_plain() && !self.upstream.allow_http,
            "upstream.url: expected https; upstream.allow_http = true lets tokens and teams travel in the clear",
        );
        refuse(
            self.documents.safelist != Safelist::Off && self.documents.manifest.is_none(),
            "documents.safelist: needs documents.manifest",
        );
        refuse(
            !self.http.csrf_protection && !self.auth.mode.is_some_and(AuthMode::asks_for_a_token),
            "http.csrf_protection: can be false only where every request carries a token (not in the modes `server` and `mtls`)",
        );
        let any_origin = self.http.cors_origins.iter().any(|origin| origin == "*");
        refuse(
            any_origin && (self.http.cors_credentials || self.http.cors_origins.len() > 1),
            "http.cors_origins: `*` stands alone, and without http.cors_credentials",
        );
        refuse(
            self.federation.secret_env.is_some() && self.federation.secret_file.is_some(),
            "federation.secret_env and federation.secret_file: set one of them",
        );
        refuse(
            self.budget.window < Duration::from_secs(1) || self.budget.window > Duration::from_secs(7 * 24 * 3600),
            "budget.window: expected 1s to 7days",
        );
        refuse(!(0.01..=1.0).contains(&self.budget.utilization), "budget.utilization: expected 0.01 to 1");
        refuse(!(0.0..=0.9).contains(&self.budget.reserve_ratio), "budget.reserve_ratio: expected 0 to 0.9");
        refuse(!(0.01..=1.0).contains(&self.budget.max_caller_ratio), "budget.max_caller_ratio: expected 0.01 to 1");
        refuse(!(0.01..=1.0).contains(&self.live.budget_ratio), "live.budget_ratio: expected 0.01 to 1");
        refuse(
            self.live.interval_floor < Duration::from_millis(100) || self.live.interval < self.live.interval_floor,
            "live.interval: expected at least live.interval_floor, and that at least 100ms",
        );
        let times =
            [self.live.init_timeout, self.live.idle_timeout, self.live.ping_interval, self.live.recheck_interval];
        refuse(
            times.into_iter().chain([self.live.lifetime]).any(|time| time < Duration::from_millis(100)),
            "live: expected timeouts and intervals of at least 100ms",
        );
        refuse(self.live.message_rate == 0, "live.message_rate: expected at least 1");
        refuse(!(0.0..=1.0).contains(&self.upstream.retry_ratio), "upstream.retry_ratio: expected 0 to 1");
        refuse(!(0.0..=1.0).contains(&self.demo.error_rate), "demo.error_rate: expected 0 to 1");
        let queue = self.audit.queue_limit;
        refuse(queue < Size::kib(64) || queue > Size::mib(1024), "audit.queue_limit: expected 64KiB to 1GiB");
        refuse(self.audit.target.is_none() && self.audit.key_file.is_some(), "audit.key_file: needs audit.target");
        self.tls(&mut refuse);
        self.shared(&mut refuse);
        self.tags(&mut refuse);
        self.listeners(profile, &mut refuse);
        if profile == Profile::Serve {
            self.callers(&mut refuse);
        }
        problems
    }

    /// Checks TLS, and the mode that stands on it.
    fn tls(&self, refuse: &mut impl FnMut(bool, &str)) {
        let tls = &self.http_tls;
        refuse(
            tls.certificate_file.is_some() != tls.key_file.is_some(),
            "http.tls.certificate_file and http.tls.key_file: set both or neither",
        );
        refuse(
            tls.client_ca_file.is_some() && tls.certificate_file.is_none(),
            "http.tls.client_ca_file: needs http.tls.certificate_file",
        );
        if self.auth.mode == Some(AuthMode::Mtls) {
            refuse(self.auth.certificates_file.is_none(), "auth.certificates_file: mode `mtls` needs it");
            refuse(tls.client_ca_file.is_none(), "http.tls.client_ca_file: mode `mtls` needs it");
        }
    }

    /// Checks what replicas share.
    fn shared(&self, refuse: &mut impl FnMut(bool, &str)) {
        let (cluster, shares) = (&self.cluster, self.cluster.url.is_some());
        refuse(
            !shares && (cluster.key_file.is_some() || cluster.offline_calls > 0),
            "cluster.url: cluster.key_file and cluster.offline_calls need it",
        );
        refuse(
            shares && cluster.key_file.is_none() && !cluster.plaintext,
            "cluster.key_file: rosters hold names, e-mail addresses and phone numbers, so records are sealed with its keys \
             (`keys cluster` makes one); cluster.plaintext = true keeps them in the clear",
        );
        refuse(
            cluster.plaintext && cluster.key_file.is_some(),
            "cluster.plaintext and cluster.key_file: set one of them",
        );
        refuse(
            cluster.password_env.is_some() && cluster.password_file.is_some(),
            "cluster.password_env and cluster.password_file: set one of them",
        );
        refuse(
            shares && self.budget.file.is_some(),
            "budget.file: with cluster.url the ledger is kept in the tier, for all replicas",
        );
        let fits = Duration::from_millis(200) <= cluster.lease_time && cluster.lease_time <= self.budget.window / 4;
        refuse(shares && !fits, "cluster.lease_time: expected 200ms to a quarter of budget.window");
        refuse(
            shares && !(Duration::from_millis(5)..=Duration::from_secs(1)).contains(&cluster.timeout),
            "cluster.timeout: expected 5ms to 1s",
        );
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        refuse(
            !cluster.prefix.bytes().all(plain) || cluster.prefix.len() > 32,
            "cluster.prefix: expected at most 32 letters, digits, `-` and `_`",
        );
    }

    /// Checks what is said to caches in front of the service.
    fn tags(&self, refuse: &mut impl FnMut(bool, &str)) {
        let tags = &self.cache_tags;
        let used = tags.extensions || tags.header || tags.webhook_url.is_some();
        refuse(
            used && tags.secret_env.is_some() == tags.secret_file.is_some(),
            "cache_tags.secret_env and cache_tags.secret_file: tags are made with a secret, so set one of them",
        );
        let Some(url) = &tags.webhook_url else { return };
        refuse(
            !tags.webhook_hosts.iter().any(|host| host.eq_ignore_ascii_case(&url.host())),
            "cache_tags.webhook_url: its host is not in cache_tags.webhook_hosts",
        );
        refuse(
            url.is_plain() && !url.is_local() && !tags.webhook_allow_http,
            "cache_tags.webhook_url: expected https; cache_tags.webhook_allow_http = true lets the router's key travel in the clear",
        );
        refuse(
            tags.webhook_secret_env.is_some() == tags.webhook_secret_file.is_some(),
            "cache_tags.webhook_secret_env and cache_tags.webhook_secret_file: the webhook sends a router's key, so set one of them",
        );
    }

    /// Two listeners cannot share an address.
    fn listeners(&self, profile: Profile, refuse: &mut impl FnMut(bool, &str)) {
        let (http, admin, demo) = (self.http.listen, self.admin.listen, self.demo.listen);
        refuse(overlap(http, admin), "http.listen and admin.listen: expected two addresses");
        if profile == Profile::Demo {
            refuse(overlap(http, demo), "http.listen and demo.listen: expected two addresses");
            refuse(overlap(admin, demo), "admin.listen and demo.listen: expected two addresses");
        }
    }

    /// Checks the authentication settings of the production profile.
    fn callers(&self, refuse: &mut impl FnMut(bool, &str)) {
        let (auth, jwt) = (&self.auth, &self.jwt);
        let Some(mode) = auth.mode else {
            return refuse(
                true,
                "auth.mode: must be chosen: `passthrough` (each request brings the Flowmatix access token as its bearer \
                 token), `api-keys` or `jwt` (each request brings one of these, and the server holds the token), `mtls` \
                 (each connection brings a client certificate, and the server holds the token), or \
                 `server` (the server holds the token and asks callers for nothing, on a loopback address)",
            );
        };
        let one = |a: bool, b: bool| a != b;
        refuse(
            mode.holds_the_credential() && !one(auth.credential_env.is_some(), auth.credential_file.is_some()),
            "auth.credential_env and auth.credential_file: every mode but `passthrough` needs one of them",
        );
        refuse(
            mode == AuthMode::Server && !self.http.listen.ip().is_loopback() && !auth.allow_anonymous,
            "http.listen: mode `server` asks callers for nothing, so it must be a loopback address; \
             auth.allow_anonymous = true lets everybody who reaches it read every team",
        );
        refuse(
            mode == AuthMode::Server && self.tokens.enabled,
            "tokens.enabled: mode `server` asks callers for nothing, so every client that reaches it could obtain a permanent token",
        );
        refuse(mode == AuthMode::ApiKeys && auth.keys_file.is_none(), "auth.keys_file: mode `api-keys` needs it");
        if mode == AuthMode::Jwt {
            refuse(
                !one(jwt.jwks_url.is_some(), jwt.jwks_file.is_some()),
                "jwt.jwks_url and jwt.jwks_file: mode `jwt` needs one of them",
            );
            refuse(
                jwt.issuer.is_none() || jwt.audience.is_none(),
                "jwt.issuer and jwt.audience: mode `jwt` needs both",
            );
            refuse(
                jwt.jwks_url.as_ref().is_some_and(|url| url.is_plain() && !url.is_local()),
                "jwt.jwks_url: expected https: who can change the keys on their way is every caller",
            );
            refuse(jwt.keys_max_age < jwt.fetch_interval, "jwt.keys_max_age: expected at least jwt.fetch_interval");
            refuse(jwt.leeway > Duration::from_secs(300), "jwt.leeway: expected at most 5m");
        }
    }
}

/// Whether the second of two sockets could not be bound. Port 0 is any free port.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let same_family = a.is_ipv4() == b.is_ipv4();
    // On most systems the unspecified IPv6 address takes IPv4 connections, too.
    let covers = |a: SocketAddr| a.ip().is_unspecified() && (same_family || a.is_ipv6());
    a.port() == b.port() && a.port() != 0 && (a.ip() == b.ip() || covers(a) || covers(b))
}
