//! The section `admin`: the address of the admin port, and the invalidations that it accepts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

section! {
    /// The admin port: status, health and metrics, without authentication; invalidation, with a secret. Keep it off public addresses.
    pub struct AdminConfig in "admin" {
        /// The address of the status page (`/`, `/status.json`), `/health/live`, `/health/ready` and `/metrics`.
        pub listen: SocketAddr = (Ipv4Addr::LOCALHOST, 8081).into(),
        /// The file that holds the secret of `POST /invalidate`, which is served only with it. Read again when it changes.
        pub invalidate_secret_file: Option<PathBuf> = None,
        /// The maximum number of invalidations in a minute; 0 = unlimited.
        pub invalidations_limit: u32 = 10,
    }
}
