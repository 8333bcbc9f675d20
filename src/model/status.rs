//! The status of the stages, for the operator's status page: plain data, read in one go.

use std::time::Duration;

use super::{CredentialId, RosterKey};

/// The rosters that are kept, and what is not loaded now.
#[derive(Clone, Debug, Default)]
pub struct RosterStatus {
    /// Some of the rosters, where there are very many.
    pub kept: Vec<KeptRoster>,
    /// How many accounts, and credentials for all their accounts, are not tried now, by the kind of their last failure.
    pub not_tried: Vec<(&'static str, usize)>,
}

/// A roster that is kept.
#[derive(Clone, Debug)]
pub struct KeptRoster {
    /// Under what it is kept.
    pub key: RosterKey,
    /// How many members it has.
    pub members: usize,
    /// Memory held, in bytes.
    pub bytes: usize,
    /// Since when it began to be read.
    pub age: Duration,
    /// Whether it is past its fresh window, or was taken back.
    pub stale: bool,
}

/// The state of the calls to the vendor, and the shares of their callers.
#[derive(Clone, Debug, Default)]
pub struct UpstreamStatus {
    /// Calls under way.
    pub in_flight: usize,
    /// Calls that wait for others to end.
    pub waiting: usize,
    /// Why calls are not made now.
    pub pauses: Vec<Pause>,
    /// The spending of each caller, of plans that several callers share.
    pub shares: Vec<SpentShare>,
}

/// Calls are not made for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Why.
    pub reason: PauseReason,
    /// Whose calls; `None` for everybody's.
    pub credential: Option<CredentialId>,
    /// How much longer.
    pub left: Duration,
}

/// Why calls are not made for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// The breaker is open: one call at a time finds out whether the vendor is back.
    Breaker,
    /// A 503 has said when to come back.
    Unavailable,
    /// A 429 has.
    RateLimited,
    /// By the vendor's own count the plan is spent.
    VendorQuota,
}

impl PauseReason {
    /// Its name for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Breaker => "breaker",
            Self::Unavailable => "unavailable",
            Self::RateLimited => "rate_limited",
            Self::VendorQuota => "vendor_quota",
        }
    }
}

/// The spending of one of several callers of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpentShare {
    /// Whose plan; `None` for one that all credentials share.
    pub credential: Option<CredentialId>,
    /// A hash of the caller.
    pub caller: u64,
    /// The caller's calls that count, on this replica.
    pub calls: u32,
    /// The calls of the plan.
    pub limit: u32,
}

/// The replicas that share plans and rosters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterStatus {
    /// How many there are, with this one, as far as is known.
    pub replicas: u32,
    /// Whether this one is given calls.
    pub joined: bool,
    /// Whether the connections to the tier are up: for leases, and for values.
    pub up: (bool, bool),
}
