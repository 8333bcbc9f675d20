//! How Flowmatix is called.

use std::path::PathBuf;
use std::time::Duration;

use super::Size;
use super::value::{HttpUrl, SettingValue};

section! {
    /// How Flowmatix is called.
    pub struct UpstreamConfig in "upstream" {
        /// The address of Flowmatix.
        pub url: HttpUrl = vendor(),
        /// The path of the team-members endpoint.
        pub path: String = "/custom-user".to_owned(),
        /// Whether the endpoint answers in pages (`ispagination=true&page=1`, …). Each page is a call.
        pub paged: bool = false,
        /// The most pages of one list.
        pub pages_limit: u32 = 200,
        /// Whether `upstream.url` may go without TLS.
        pub allow_http: bool = false,
        /// A PEM file of certificates to trust besides the system's.
        pub ca_file: Option<PathBuf> = None,
        /// How long getting a team may take in all; each page of a paged list may take `upstream.attempt_timeout`.
        pub timeout: Duration = Duration::from_secs(3),
        /// How long one call may take.
        pub attempt_timeout: Duration = Duration::from_secs(2),
        /// How long connecting may take.
        pub connect_timeout: Duration = Duration::from_secs(1),
        /// How many retries there may be for each call of the last minute; 0 for none.
        pub retry_ratio: f64 = 0.1,
        /// Whether a host that keeps failing is called only to see whether it is back.
        pub breaker: bool = true,
        /// The largest body that is read, decompressed.
        pub body_limit: Size = Size::mib(40),
        /// The most rows that are read.
        pub rows_limit: usize = 50_000,
        /// How many calls may be under way at once.
        pub concurrency: usize = 32,
        /// How long an idle connection to Flowmatix is kept.
        pub idle_timeout: Duration = Duration::from_secs(15),
    }
}

fn vendor() -> HttpUrl {
    // The default is a constant of ours, and a test reads it.
    HttpUrl::parse("https://api.v7.flowmatix.ai").expect("the vendor's address is a URL")
}
