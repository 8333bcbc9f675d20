//! How long teams are kept.

use std::time::Duration;

use super::Size;

section! {
    /// How long teams are kept.
    pub struct RosterConfig in "roster" {
        /// Whether teams are kept between requests.
        pub store: bool = true,
        /// Whether equal loads under way at the same time are one.
        pub single_flight: bool = true,
        /// How long a team counts as fresh, and is served without asking the upstream.
        pub fresh_for: Duration = Duration::from_secs(60),
        /// Whether a team that is asked for near the end of that window is read again in the background.
        pub refresh_ahead: bool = true,
        /// How long a caller waits for a newer team when there is an old one to serve.
        pub stale_wait: Duration = Duration::from_millis(250),
        /// How old a team may be to be served, marked stale, when the upstream gives no newer one.
        pub stale_for: Duration = Duration::from_secs(3600),
        /// How much memory the kept teams may take.
        pub store_limit: Size = Size::mib(256),
    }
}
