//! The admin port.

use std::net::{Ipv4Addr, SocketAddr};

section! {
    /// The admin port: health and metrics, without authentication. Keep it off public addresses.
    pub struct AdminConfig in "admin" {
        /// The address of `/health/live`, `/health/ready` and `/metrics`.
        pub listen: SocketAddr = (Ipv4Addr::LOCALHOST, 8081).into(),
    }
}
