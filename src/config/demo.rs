//! The sample Flowmatix.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

section! {
    /// The sample Flowmatix of `demo` and `demo-upstream`. Everything here can also be changed while it runs.
    pub struct DemoConfig in "demo" {
        /// Where the sample is served.
        pub listen: SocketAddr = (Ipv4Addr::LOCALHOST, 8082).into(),
        /// The seed that the teams grow from: the same seed gives the same teams.
        pub seed: u64 = 1,
        /// How long it waits before each answer.
        pub latency: Duration = Duration::ZERO,
        /// The share of calls that fail with 500, from 0 to 1.
        pub error_rate: f64 = 0.0,
        /// How many calls an hour it sells for a token; as many as you like when there is no value.
        pub plan: Option<u32> = None,
    }
}
