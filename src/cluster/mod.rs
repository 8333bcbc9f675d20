//! The cluster: what several replicas share over Valkey or Redis. A leaf: it knows the tier and plain data, and no rules of
//! rosters or of the vendor.
//!
//! `tier` is the connection, `leases` share a plan, `pacing` a rate, `values` are sealed by `cipher` under the keyed names of
//! `names`, and `notices` are what one replica tells the others.

mod cipher;
mod leases;
mod names;
mod notices;
mod pacing;
mod shared_state;
mod tier;
mod values;

pub use cipher::{Cipher, InvalidKeys, new_keys_file};
pub use leases::{LEASE_SCRIPT, LeasedCall, Leases, NoLease, SpendingSource};
pub use leases::{LeaseRequest, Others, Refusal, Replica, Reply, Report, Taken, Timing};
pub use names::Names;
pub use notices::{Notice, Notices};
pub use pacing::{PACING_SCRIPT, Pacing};
pub use shared_state::{Cluster, ClusterSecrets, InvalidCluster};
pub use tier::{Tier, TierError, TierInfo};
pub use values::{Claim, MarkedValue, SharedValues};
