//! The section `roster`: the store of rosters, the ages at which they are fresh or stale, and its size.

use std::time::Duration;

use super::Size;

section! {
    /// The roster cache.
    pub struct RosterConfig in "roster" {
        /// Whether rosters are kept between requests.
        pub store: bool = true,
        /// Whether concurrent loads of one roster are shared (single flight).
        pub single_flight: bool = true,
        /// How long a roster is fresh, and served without an upstream call.
        pub fresh_for: Duration = Duration::from_secs(60),
        /// Whether a roster that is requested near the end of that window is refreshed in the background.
        pub refresh_ahead: bool = true,
        /// How long a request waits for a newer roster when there is a stale one to serve.
        pub stale_wait: Duration = Duration::from_millis(250),
        /// The maximum age of a roster that is served, marked stale, when there is no newer one.
        pub stale_for: Duration = Duration::from_secs(3600),
        /// The memory for rosters.
        pub store_limit: Size = Size::mib(256),
    }
}
