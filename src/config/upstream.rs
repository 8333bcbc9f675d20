//! The section `upstream`: the address of the endpoint, and the timeouts, retries and limits of calls to it.

use std::path::PathBuf;
use std::time::Duration;

use super::Size;
use super::value::{HttpUrl, SettingValue};

section! {
    /// The upstream endpoint: how Flowmatix is called.
    pub struct UpstreamConfig in "upstream" {
        /// The address of Flowmatix.
        pub url: HttpUrl = vendor(),
        /// The path of the team-members endpoint.
        pub path: String = "/custom-user".to_owned(),
        /// Whether the endpoint answers in pages (`ispagination=true&page=1`, …). Each page is a call.
        pub paged: bool = false,
        /// The maximum number of pages of one list.
        pub pages_limit: u32 = 200,
        /// Whether `upstream.url` may be http.
        pub allow_http: bool = false,
        /// A PEM file of certificates to trust besides the system's.
        pub ca_file: Option<PathBuf> = None,
        /// The deadline of a load; each page of a paged list may take `upstream.attempt_timeout`.
        pub timeout: Duration = Duration::from_secs(3),
        /// The timeout of one call.
        pub attempt_timeout: Duration = Duration::from_secs(2),
        /// The connect timeout.
        pub connect_timeout: Duration = Duration::from_secs(1),
        /// The maximum ratio of retries to the calls of the last minute; 0 = off.
        pub retry_ratio: f64 = 0.1,
        /// Whether the circuit breaker is on.
        pub breaker: bool = true,
        /// The maximum size of a response body, decompressed.
        pub body_limit: Size = Size::mib(40),
        /// The memory for lists while they are read, all together; one list may go past it. A load that finds no room fails with
        /// `UPSTREAM_UNAVAILABLE`.
        pub decode_limit: Size = Size::mib(256),
        /// The maximum number of rows of a list.
        pub rows_limit: usize = 50_000,
        /// The maximum number of concurrent calls.
        pub concurrency: usize = 32,
        /// The idle timeout of a connection to Flowmatix.
        pub idle_timeout: Duration = Duration::from_secs(15),
    }
}

fn vendor() -> HttpUrl {
    // The default is a constant of ours, and a test reads it.
    HttpUrl::parse("https://api.v7.flowmatix.ai").expect("the vendor's address is a URL")
}
