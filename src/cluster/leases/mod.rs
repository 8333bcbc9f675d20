//! Leases: the protocol by which replicas share one plan.
//!
//! `replica` is one replica's side as a state machine, `lease.lua` the tier's, which runs there as one script. `record`, `reply`
//! and `pool` are what they are made of, and `client` runs the protocol over a connection.

mod client;
mod others;
mod pool;
mod record;
mod replica;
mod reply;
mod script;
mod timing;

pub(super) use client::LeaseSettings;
pub use client::{LeasedCall, Leases, NoLease, SpendingSource};
pub use others::Others;
pub use replica::{LeaseRequest, Refusal, Replica, Report, Taken};
pub use reply::Reply;
pub use script::LEASE_SCRIPT;
pub use timing::Timing;
