//! What the operator asks.

use std::net::{Ipv4Addr, SocketAddr};

section! {
    /// What the operator asks: health and metrics, without authentication, so never on a public address.
    pub struct AdminConfig in "admin" {
        /// Where `/health/live`, `/health/ready` and `/metrics` are served.
        pub listen: SocketAddr = (Ipv4Addr::LOCALHOST, 8081).into(),
    }
}
