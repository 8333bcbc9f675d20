//! The section `http`: the GraphQL listener, with its sizes, timeouts, connections, rates and origins.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use super::Size;

section! {
    /// The GraphQL listener.
    pub struct HttpConfig in "http" {
        /// The address of the GraphQL listener.
        pub listen: SocketAddr = (Ipv4Addr::LOCALHOST, 8080).into(),
        /// The maximum length of a URI.
        pub uri_limit: Size = Size::kib(8),
        /// The maximum number of headers of a request.
        pub headers_limit: usize = 100,
        /// The maximum size of all headers of a request.
        pub header_bytes_limit: Size = Size::kib(16),
        /// The maximum size of a request body.
        pub body_limit: Size = Size::mib(1),
        /// How much memory request bodies may take together, with the values read from them; one caller's at most as much as
        /// it leaves free. Past it, requests are refused with 503.
        pub bodies_limit: Size = Size::mib(64),
        /// The memory that responses may take which clients have not received yet, a quarter of it one caller's; past it, that
        /// caller's requests are refused with 503.
        pub responses_limit: Size = Size::mib(256),
        /// The deadline of a request, its body included.
        pub timeout: Duration = Duration::from_secs(5),
        /// The time in which a new connection must send its first request.
        pub first_request_timeout: Duration = Duration::from_secs(10),
        /// The time in which a client must receive a response; then its connection is closed.
        pub send_timeout: Duration = Duration::from_secs(30),
        /// The idle timeout of a connection. Routers and load balancers pool theirs for up to 60 s.
        pub idle_timeout: Duration = Duration::from_secs(75),
        /// How long the listener stays open after SIGTERM, while the service is not ready, so that load balancers notice.
        pub drain_delay: Duration = Duration::ZERO,
        /// How long open requests may take to finish after that. What is not answered then is cut off, and the exit code is 1.
        pub grace_period: Duration = Duration::from_secs(10),
        /// The maximum number of connections.
        pub connections_limit: usize = 10_000,
        /// The maximum number of connections from one address, trusted proxies excepted.
        pub peer_connections_limit: usize = 256,
        /// The maximum number of concurrent requests; the next one is refused with 503.
        pub concurrency: usize = 512,
        /// The maximum number of concurrent requests of one caller (or address, where callers need no credential); without a value
        /// as many as it leaves free, which is half of them for one that is alone.
        pub caller_concurrency: Option<usize> = None,
        /// The rate limit of a caller in requests per second (or of an address, where callers need no credential); 0 =
        /// unlimited.
        pub rate_limit: u32 = 1_000,
        /// The burst of the rate limit.
        pub rate_burst: u32 = 2_000,
        /// How many different tokens that have not been accepted may come from one address in any minute; 0 =
        /// unlimited. A token that this process has seen accepted is not counted, and never refused because of others.
        pub failed_auth_limit: usize = 100,
        /// How many refusals of failed authentication one address is told in a second; 0 = unlimited. Twice as many come at once,
        /// twice as many more wait for their turn, for up to two seconds, and past that the connection is closed.
        pub failed_auth_rate: u32 = 20,
        /// Addresses, or networks such as `10.0.0.0/8`, of proxies that are trusted to tell the client's address.
        pub trusted_proxies: Vec<IpNet> = Vec::new(),
        /// The header in which they tell it. They must set it themselves: one that a client sent through them is believed.
        pub forwarded_header: ForwardedHeader = ForwardedHeader::XForwardedFor,
        /// Whether connections of trusted proxies begin with a header of the PROXY protocol (version 1 or 2), which has the
        /// client's address. Connections of others never do.
        pub proxy_protocol: bool = false,
        /// Whether `/` shows the explorer, a GraphQL playground in the browser.
        pub explorer: bool = false,
        /// Whether queries can be sent with GET. QUERY and POST are always allowed.
        pub get_queries: bool = true,
        /// CSRF protection: a GET must show that no other site's page sent it, by `Sec-Fetch-Site: same-origin` (or `none`), or by
        /// a header that makes browsers ask first (`apollo-require-preflight`, `x-apollo-operation-name` or a JSON content type).
        /// It may be off only where every request carries a token.
        pub csrf_protection: bool = true,
        /// The HTTP statuses under `application/graphql-response+json`: `audits` are the established ones, `2026` those of the
        /// GraphQL over HTTP edition of September 2026 (294 for data with errors, 422 for a request that does not fit the
        /// schema). Under `application/json` both are the same.
        pub statuses: Statuses = Statuses::Audits,
        /// Host names besides this machine's own that are allowed where callers need no credential.
        pub allowed_hosts: Vec<String> = Vec::new(),
        /// CORS: the origins whose pages may call the service, such as `https://app.example`; `*` for all.
        pub cors_origins: Vec<String> = Vec::new(),
        /// CORS: whether those pages may send credentials (cookies, TLS certificates).
        pub cors_credentials: bool = false,
    }
}

names! {
    /// Which statuses answers have.
    pub enum Statuses {
        /// 200 and 400.
        Audits = "audits",
        /// 200, 294, 400 and 422.
        Edition2026 = "2026",
    }
}

names! {
    /// The header with which proxies tell the client's address.
    pub enum ForwardedHeader {
        /// A list of addresses.
        XForwardedFor = "x-forwarded-for",
        /// RFC 7239.
        Forwarded = "forwarded",
    }
}
