//! How GraphQL is served over HTTP.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use super::Size;

section! {
    /// How GraphQL is served over HTTP.
    pub struct HttpConfig in "http" {
        /// Where GraphQL is served.
        pub listen: SocketAddr = (Ipv4Addr::LOCALHOST, 8080).into(),
        /// The longest URI.
        pub uri_limit: Size = Size::kib(8),
        /// The most headers of a request.
        pub headers_limit: usize = 100,
        /// How large the headers of a request may be together.
        pub header_bytes_limit: Size = Size::kib(16),
        /// The largest request body.
        pub body_limit: Size = Size::mib(1),
        /// How much memory the bodies that are being read may take together; past it, requests are refused with 503.
        pub bodies_limit: Size = Size::mib(64),
        /// How long answering a request may take in all.
        pub timeout: Duration = Duration::from_secs(5),
        /// How long a new connection may take to send its first request.
        pub first_request_timeout: Duration = Duration::from_secs(10),
        /// How long a client may take to receive an answer; then its connection is closed.
        pub send_timeout: Duration = Duration::from_secs(30),
        /// How long an idle connection is kept. Routers and load balancers pool theirs for up to 60 s.
        pub idle_timeout: Duration = Duration::from_secs(75),
        /// How long the listener stays open after SIGTERM, when it is no longer ready, so that load balancers notice.
        pub drain_delay: Duration = Duration::ZERO,
        /// How long requests under way may take to finish after that.
        pub grace_period: Duration = Duration::from_secs(10),
        /// How many connections there may be in all.
        pub connections_limit: usize = 10_000,
        /// How many of them may come from one address that is no trusted proxy.
        pub peer_connections_limit: usize = 256,
        /// How many requests may be under way at once; the next is refused with 503.
        pub concurrency: usize = 512,
        /// How many of them may be one caller's (an address's, where callers need no credential); half of them when there is
        /// no value.
        pub caller_concurrency: Option<usize> = None,
        /// How many requests a second a caller may make in the long run (an address, where callers need no credential); 0 for
        /// as many as they like.
        pub rate_limit: u32 = 1_000,
        /// How many requests a caller may make at once, before the rate counts.
        pub rate_burst: u32 = 2_000,
        /// How many different tokens that nobody has accepted may come from one address in a minute; 0 for as many as they
        /// like. A token that is accepted is not counted, and never refused for the others.
        pub failed_auth_limit: usize = 100,
        /// The addresses, or networks such as `10.0.0.0/8`, whose `X-Forwarded-For` is believed.
        pub trusted_proxies: Vec<IpNet> = Vec::new(),
        /// Whether `/` shows the explorer, a GraphQL playground in the browser.
        pub explorer: bool = false,
        /// Whether queries can be sent with GET.
        pub get_queries: bool = true,
        /// Whether a GET must show that a script sent it (`apollo-require-preflight`, `x-apollo-operation-name` or a JSON
        /// content type). Without it any page can make a browser send one, so only where every request carries a token.
        pub csrf_protection: bool = true,
        /// Names besides this machine's own that `Host` may have where callers need no credential.
        pub allowed_hosts: Vec<String> = Vec::new(),
        /// The origins whose pages may call the service, such as `https://app.example`; `*` for all.
        pub cors_origins: Vec<String> = Vec::new(),
        /// Whether those pages may send cookies and TLS certificates.
        pub cors_credentials: bool = false,
    }
}
