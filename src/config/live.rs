//! The section `live`: subscriptions to teams, the intervals of their polls, and their share of the budget.

use std::time::Duration;

use super::Size;

section! {
    /// Live teams: subscriptions, and what they may cost.
    pub struct LiveConfig in "live" {
        /// Whether subscriptions are served, over WebSocket, server-sent events and multipart responses.
        pub enabled: bool = true,
        /// How often a team is read while somebody listens to it, where the subscriber does not ask for another interval.
        pub interval: Duration = Duration::from_secs(15),
        /// The shortest interval that a subscriber can ask for.
        pub interval_floor: Duration = Duration::from_secs(5),
        /// The part of the budget for refreshing that all listened teams together may spend; intervals stretch to keep it.
        pub budget_ratio: f64 = 0.5,
        /// The maximum number of subscriptions.
        pub subscriptions_limit: usize = 20_000,
        /// The maximum number of subscriptions of one caller (or address, where callers need no credential).
        pub caller_subscriptions_limit: usize = 1_000,
        /// The most bytes of events that are kept for subscribers, a quarter of them for one caller. Each distinct subscription to a
        /// team keeps its newest event; equal ones share it.
        pub events_limit: Size = Size::mib(256),
        /// The maximum number of operations under way on one WebSocket.
        pub socket_operations_limit: usize = 100,
        /// The time in which a WebSocket must send `connection_init`.
        pub init_timeout: Duration = Duration::from_secs(3),
        /// How long a WebSocket without any operation stays open.
        pub idle_timeout: Duration = Duration::from_secs(60),
        /// How often a sign of life is sent; a WebSocket that has not answered the one before is closed.
        pub ping_interval: Duration = Duration::from_secs(15),
        /// How often the credential of a stream is checked again.
        pub recheck_interval: Duration = Duration::from_secs(10),
        /// The longest that a stream or WebSocket stays open; its client then connects again.
        pub lifetime: Duration = Duration::from_secs(12 * 3600),
        /// The maximum size of a message that a WebSocket sends.
        pub message_limit: Size = Size::kib(64),
        /// How many messages a WebSocket may send in a second; ten times as many at once.
        pub message_rate: u32 = 20,
    }
}
