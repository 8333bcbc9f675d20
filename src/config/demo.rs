//! The section `demo`: the sample Flowmatix, with its latency, errors and changes.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

section! {
    /// The sample Flowmatix of `demo` and `demo-upstream`. Everything here can also be changed while it runs.
    pub struct DemoConfig in "demo" {
        /// The address of the sample.
        pub listen: SocketAddr = (Ipv4Addr::LOCALHOST, 8082).into(),
        /// The seed of the generated teams: the same seed gives the same teams.
        pub seed: u64 = 1,
        /// The delay before each response.
        pub latency: Duration = Duration::ZERO,
        /// The ratio of calls that fail with 500, from 0 to 1.
        pub error_rate: f64 = 0.0,
        /// Calls per hour for a token; unlimited when there is no value.
        pub plan: Option<u32> = None,
        /// How often something happens in each team: a member comes online, goes, gets a message or reads all; 0s for never.
        pub activity: Duration = Duration::ZERO,
    }
}
