//! The tier's side of the lease protocol, as the script that runs there.

/// Takes the keys and arguments of a [`LeaseRequest`](super::LeaseRequest); answers a [`Reply`](super::Reply).
pub const LEASE_SCRIPT: &str = include_str!("lease.lua");
